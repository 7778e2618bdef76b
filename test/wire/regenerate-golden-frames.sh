#!/bin/sh
# Writes testdata/golden-frames.json anew from Apache Kafka's own classes. Needs Java 17 or later and Maven.
set -eu
kafka=${KAFKA_CLIENTS_VERSION:-4.3.0}
jackson=2.19.2
here=$(cd "$(dirname "$0")" && pwd)
jars=$(mktemp -d)
trap 'rm -rf "$jars"' EXIT
for artifact in \
  org.apache.kafka:kafka-clients:"$kafka" \
  org.slf4j:slf4j-api:1.7.36 \
  com.fasterxml.jackson.core:jackson-core:"$jackson" \
  com.fasterxml.jackson.core:jackson-annotations:"$jackson" \
  com.fasterxml.jackson.core:jackson-databind:"$jackson"
do
  mvn -q dependency:copy -Dartifact="$artifact" -DoutputDirectory="$jars"
done
java -Dfile.encoding=UTF-8 -cp "$jars/*" "$here/GoldenFrames.java" > "$here/testdata/golden-frames.json.new"
mv "$here/testdata/golden-frames.json.new" "$here/testdata/golden-frames.json"
