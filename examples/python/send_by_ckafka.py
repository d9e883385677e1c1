"""
Reports unfinished uploads as messages of the CKafka topic in KAFKA_TOPIC; the function's CKafka trigger reads them.

KAFKA_SERVERS: host:port of the instance. KAFKA_OPTIONS: more options of KafkaProducer as JSON, such as
`security_protocol`, `sasl_mechanism`, `sasl_plain_username` and `sasl_plain_password` for a public address.
Who can write to the topic can have any upload aborted that the function's settings allow.
"""

import json
import os

from kafka import KafkaProducer


def send(uploads, timeout_seconds=30):
    """Send one message for each upload. Returns when CKafka has stored all of them; raises when it has not."""
    options = json.loads(os.environ.get("KAFKA_OPTIONS", "{}"))
    producer = KafkaProducer(bootstrap_servers=os.environ["KAFKA_SERVERS"], acks="all", **options)
    try:
        sent = [producer.send(os.environ["KAFKA_TOPIC"], json.dumps(upload).encode()) for upload in uploads]
        for one in sent:
            one.get(timeout_seconds)
    finally:
        producer.close(timeout_seconds)
