#!/bin/bash
# The broker as docker-compose.yml asks the official image for it: KAFKA_A_B=v becomes a.b=v, and a first start formats.
set -eu
cd /opt/kafka
env | grep '^KAFKA_' | grep -vE '^KAFKA_(HEAP_OPTS|VERSION)=' | while IFS='=' read -r name value; do
  name=${name#KAFKA_}; name=${name,,}
  echo "${name//_/.}=$value"
done > /tmp/server.properties
java() { exec_or_run=$1; shift; $exec_or_run /usr/bin/java ${KAFKA_HEAP_OPTS:-} -cp '/opt/kafka/libs/*' "$@"; }
if [ ! -e "$KAFKA_LOG_DIRS/meta.properties" ]; then
  java "" kafka.tools.StorageTool format --cluster-id 4L6g3nShT-eMCtK--X86sw --config /tmp/server.properties
fi
java exec kafka.Kafka /tmp/server.properties
