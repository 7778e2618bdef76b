// Goes through scenarios: client <bootstrap> <scenario>… What it prints is read by ../clients/client-program.ts.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime"
	"strings"
	"time"
)

const patience = 90 * time.Second

// What the client cannot do, and why.
var impossible = map[string]string{
	"static-consumer": "franz-go 1.22.2 leaves as a static member (-2) without its instance id, which is refused",
}

var answers = bufio.NewReader(os.Stdin)

func main() {
	scenarios := map[string]func(){}
	for _, table := range []map[string]func(){records, transactions, groups, administration} {
		maps.Copy(scenarios, table)
	}
	for _, name := range os.Args[2:] {
		if reason, isOut := impossible[name]; isOut {
			fmt.Println("skipped", name, reason)
		} else if err := outcome(scenarios[name]); err != nil {
			fmt.Println("failed", name, strings.Join(strings.Fields(err.Error()), " "))
		} else {
			fmt.Println("passed", name)
		}
	}
}

// outcome runs a scenario; check and same end it by a panic.
func outcome(scenario func()) (err error) {
	defer func() {
		if problem := recover(); problem != nil {
			err = fmt.Errorf("%v", problem)
		}
	}()
	scenario()
	return nil
}

// killBroker returns when the broker is up again.
func killBroker() {
	fmt.Println("kill-broker")
	_, err := answers.ReadString('\n')
	check(err)
}

func check(err error) {
	if err != nil {
		panic(fmt.Sprintf("%v at %s", err, callers()))
	}
}

func same(actual, expected any, what string) {
	if one, other := fmt.Sprint(actual), fmt.Sprint(expected); one != other {
		panic(fmt.Sprintf("%s: %.300s instead of %.300s at %s", what, one, other, callers()))
	}
}

func refused(err, expected error) {
	if !errors.Is(err, expected) {
		panic(fmt.Sprintf("%v instead of %v at %s", err, expected, callers()))
	}
}

// until tries again until it is so.
func until(what string, condition func() bool) {
	for end := time.Now().Add(patience); !condition(); {
		if time.Now().After(end) {
			panic("waited in vain for " + what)
		}
	}
}

// callers are the lines that led to a check.
func callers() string {
	lines := []string{}
	for depth := 2; depth < 6; depth++ {
		if _, file, line, ok := runtime.Caller(depth); ok && !strings.Contains(file, "/runtime/") {
			lines = append(lines, fmt.Sprintf("%s:%d", file[strings.LastIndex(file, "/")+1:], line))
		}
	}
	return strings.Join(lines, " < ")
}
