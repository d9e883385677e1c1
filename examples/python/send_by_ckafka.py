"""
Reports unfinished uploads as messages of the CKafka topic in KAFKA_TOPIC; the function's CKafka trigger reads them.

KAFKA_SERVERS: host:port of the instance. KAFKA_OPTIONS: more options of confluent-kafka as JSON, such as
`security.protocol`, `sasl.mechanism`, `sasl.username` and `sasl.password` for a public address.
Who can write to the topic can have any upload aborted that the function's settings allow.
"""

import json
import os

from confluent_kafka import KafkaException, Producer


def send(uploads, timeout_seconds=60):
    """Send one message for each upload. Returns when CKafka has stored all of them; raises when it has not."""
    options = {"acks": "all", "delivery.timeout.ms": timeout_seconds * 1000}
    options |= json.loads(os.environ.get("KAFKA_OPTIONS", "{}"))
    producer = Producer({"bootstrap.servers": os.environ["KAFKA_SERVERS"], **options})
    failures = []
    for upload in uploads:
        message = json.dumps(upload)
        producer.produce(os.environ["KAFKA_TOPIC"], message, on_delivery=lambda error, _: failures.append(error))
    if producer.flush(timeout_seconds + 5) or any(failures):
        raise KafkaException(f"{[str(each) for each in failures if each]}: CKafka did not store every message")
