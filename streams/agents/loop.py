"""What both agents do: answer each source message, and acknowledge it once the broker has the answer."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import faust

from ioc import topics
from ioc.clock import LAST_MS
from streams.agent_output import Answer, SourceMessage
from streams.metrics import Metrics

IN_FLIGHT = 64
"""Answers on their way to the broker, for one agent of a worker."""

Answering = Callable[[SourceMessage], Answer]


def add_agent(app: faust.App, topic: str, answering: Answering, metrics: Metrics) -> None:
    """Have `app` answer every message of an input topic with one output on the same partition of its output topic.

    A message is acknowledged after the broker has its output and all its dead letters, in the order of the messages.
    What cannot be sent ends the worker: the next one begins at the last acknowledged message.
    """
    pending: asyncio.Queue[tuple[Any, Answer, list[Awaitable[Any]]]] = asyncio.Queue(IN_FLIGHT)

    async def acknowledge(stream: Any) -> None:
        while True:
            event, answer, sent = await pending.get()
            for future in sent:
                await future
            await stream.ack(event)
            metrics.answered(answer.counts, time.time())

    async def answer_all(stream: Any) -> None:
        stream = stream.noack()
        app.add_future(acknowledge(stream))
        async for event in stream.events():
            answer = answering(source_message(event.message))
            sent = [future async for future in _send(app, topics.OUTPUT_OF[topic], answer)]
            await pending.put((event, answer, sent))

    app.agent(app.topic(topic, value_serializer="raw", key_serializer="raw"), name=topic, concurrency=1)(answer_all)


async def _send(app: faust.App, output: str, answer: Answer) -> AsyncIterator[Awaitable[Any]]:
    """Hand dead letters and output to the producer, which keeps the order within a partition."""
    for letter in answer.dead_letters:
        yield await app.producer.send(topics.DEAD_LETTERS, letter.key, letter.value, None, None, letter.headers)
    yield await app.producer.send(output, None, answer.value, answer.counts.partition, None, answer.headers)


def source_message(message: Any) -> SourceMessage:
    """Convert a Faust message; its timestamp is in seconds, and on a topic that takes the producer's own it may be
    any."""
    return SourceMessage(
        message.topic,
        message.partition,
        message.offset,
        min(max(0, round((message.timestamp or 0) * 1000)), LAST_MS),
        message.headers or (),
        message.value,
    )
