"""
A Kafka broker for one test: librdkafka's own stand-in, inside a producer that sends nothing.

    python kafka_broker.py TOPIC

It prints its address, and then each message of the topic as a line of JSON, until its input ends.
"""

import json
import sys
import threading

from confluent_kafka import Consumer, Producer


def main() -> None:
    """Serve until standard input ends."""
    broker = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "none", "log_level": 2})
    (node,) = broker.list_topics(timeout=10).brokers.values()
    address = f"{node.host}:{node.port}"
    consumer = Consumer({"bootstrap.servers": address, "group.id": "trigger", "auto.offset.reset": "earliest"})
    consumer.subscribe(sys.argv[1:])
    sys.stdout.write(f"{address}\n")
    sys.stdout.flush()
    ended = threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    while not ended.is_set():
        message = consumer.poll(0.1)
        if message is not None and message.error() is None:
            line = {"partition": message.partition(), "offset": message.offset(), "msgBody": message.value().decode()}
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()
    consumer.close()


if __name__ == "__main__":
    main()
