// franz-go's client of the registry: main <url>. Prints one line of JSON for each check.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/twmb/franz-go/pkg/sr"
)

const (
	v1       = `{"type":"record","name":"Paid","namespace":"bank","fields":[{"name":"amount","type":"int"}]}`
	v2       = `{"type":"record","name":"Paid","namespace":"bank","fields":[{"name":"amount","type":"int"},{"name":"memo","type":"string","default":""}]}`
	breaking = `{"type":"record","name":"Paid","namespace":"bank","fields":[{"name":"currency","type":"string"}]}`
)

var (
	ctx     = context.Background()
	subject = fmt.Sprintf("go-%d", os.Getpid())
)

func check(name string, work func() error) {
	line := map[string]string{"name": "franz-go sr: " + name, "status": "passed"}
	if err := work(); err != nil {
		line["status"], line["message"] = "failed", err.Error()
	}
	text, _ := json.Marshal(line)
	fmt.Println(string(text))
}

func same[T any](actual T, expected T) error {
	if fmt.Sprint(actual) == fmt.Sprint(expected) {
		return nil
	}
	return fmt.Errorf("%v instead of %v", actual, expected)
}

func refused(err error, code int) error {
	var response *sr.ResponseError
	if !errors.As(err, &response) {
		return fmt.Errorf("not refused as expected: %v", err)
	}
	return same(response.ErrorCode, code)
}

func avro(text string) sr.Schema { return sr.Schema{Schema: text, Type: sr.TypeAvro} }

func main() {
	client, err := sr.NewClient(sr.URLs(os.Args[1]), sr.DefaultParams(sr.Normalize))
	if err != nil {
		panic(err)
	}
	first := sr.SubjectSchema{}
	check("register, and the same again", func() (err error) {
		if first, err = client.CreateSchema(ctx, subject, avro(v1)); err != nil {
			return err
		}
		again, err := client.CreateSchema(ctx, subject, avro(v1))
		if err != nil {
			return err
		}
		second, err := client.CreateSchema(ctx, subject, avro(v2))
		return errors.Join(err, same(again.ID, first.ID), same(second.Version, 2))
	})
	check("by id, guid and version", func() error {
		byID, err1 := client.SchemaByID(ctx, first.ID)
		text, err2 := client.SchemaTextByID(ctx, first.ID)
		byVersion, err3 := client.SchemaByVersion(ctx, subject, -1)
		versions, err4 := client.SubjectVersions(ctx, subject)
		usages, err5 := client.SchemaVersionsByID(ctx, first.ID)
		subjects, err6 := client.SubjectsByID(ctx, first.ID)
		ids, err7 := client.SchemaIDsByGUID(ctx, first.GUID)
		all, err8 := client.Schemas(ctx, subject)
		return errors.Join(err1, err2, err3, err4, err5, err6, err7, err8, same(byID.Schema, v1), same(text, v1),
			same(byVersion.Schema.Schema, v2), same(versions, []int{1, 2}), same(len(usages) > 0, true),
			same(slices.Contains(subjects, subject), true), same(ids[0].ID, first.ID), same(len(all), 2))
	})
	check("look-up", func() error {
		found, err := client.LookupSchema(ctx, subject, avro(v2))
		_, missing := client.LookupSchema(ctx, subject, avro(breaking))
		_, nobody := client.SubjectVersions(ctx, "nobody")
		return errors.Join(err, same(found.Version, 2), refused(missing, 40403), refused(nobody, 40401))
	})
	check("compatibility", func() error {
		good, err1 := client.CheckCompatibility(ctx, subject, -1, avro(v2))
		bad, err2 := client.CheckCompatibility(sr.WithParams(ctx, sr.Verbose), subject, 1, avro(breaking))
		_, conflict := client.CreateSchema(ctx, subject, avro(breaking))
		return errors.Join(err1, err2, same(good.Is, true), same(bad.Is, false), same(len(bad.Messages) > 0, true), refused(conflict, 409))
	})
	check("settings", func() error {
		set := client.SetCompatibility(ctx, sr.SetCompatibility{Level: sr.CompatFull}, subject)[0]
		got := client.Compatibility(ctx, subject)[0]
		all := client.Compatibility(ctx)[0]
		reset := client.ResetCompatibility(ctx, subject)[0]
		mode := client.SetMode(ctx, sr.ModeReadOnly, subject)[0]
		_, readOnly := client.CreateSchema(ctx, subject, avro(breaking))
		back := client.ResetMode(ctx, subject)[0]
		return errors.Join(set.Err, got.Err, all.Err, reset.Err, mode.Err, back.Err, same(got.Level, sr.CompatFull), refused(readOnly, 42205))
	})
	check("references", func() error {
		uses := sr.Schema{
			Schema:     `{"type":"record","name":"Uses","fields":[{"name":"paid","type":"bank.Paid"}]}`,
			References: []sr.SchemaReference{{Name: "bank.Paid", Subject: subject, Version: 1}},
		}
		registered, err := client.CreateSchema(ctx, subject+"-uses", uses)
		by, err2 := client.SchemaReferences(ctx, subject, 1)
		if err := errors.Join(err, err2, same(len(by), 1)); err != nil {
			return err
		}
		return same(by[0].ID, registered.ID)
	})
	check("encode and decode", func() error {
		var serde sr.Serde
		type paid struct{ Amount int }
		serde.Register(first.ID, paid{}, sr.EncodeFn(json.Marshal), sr.DecodeFn(json.Unmarshal))
		bytes, err := serde.Encode(paid{5})
		if err != nil {
			return err
		}
		var back paid
		return errors.Join(serde.Decode(bytes, &back), same(back.Amount, 5))
	})
	check("contexts, types and delete", func() error {
		contexts, err1 := client.Contexts(ctx)
		types, err2 := client.SupportedTypes(ctx)
		gone := subject + "-gone"
		_, err3 := client.CreateSchema(ctx, gone, avro(v1))
		_, err4 := client.CreateSchema(ctx, gone, avro(v2))
		err5 := client.DeleteSchema(ctx, gone, 2, sr.SoftDelete)
		soft, err6 := client.DeleteSubject(ctx, gone, sr.SoftDelete)
		hard, err7 := client.DeleteSubject(ctx, gone, sr.HardDelete)
		all, err8 := client.Subjects(ctx)
		return errors.Join(err1, err2, err3, err4, err5, err6, err7, err8, same(contexts[0], "."), same(len(types), 1),
			same(soft, []int{1}), same(hard, []int{1, 2}), same(slices.Contains(all, gone), false))
	})
}
