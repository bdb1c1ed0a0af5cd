"""The loop of both agents: publish each output, and acknowledge its source message once the broker has it."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import faust

from ioc import topics
from ioc.clock import LAST_MS
from streams.agent_output import AgentOutput, SourceMessage
from streams.metrics import Metrics

IN_FLIGHT = 64
"""How many outputs of one agent of a worker may wait for the broker's acknowledgement."""

MakeOutput = Callable[[SourceMessage], AgentOutput]


def add_agent(app: faust.App, topic: str, make_output: MakeOutput, metrics: Metrics) -> None:
    """Make `app` answer every message of an input topic with one output on the same partition of its output topic.

    A message is acknowledged after the broker has its output and all its dead letters, in the order of the messages.
    Failing to send ends the worker: the next one begins at the last acknowledged message.
    """
    pending: asyncio.Queue[tuple[Any, AgentOutput, list[Awaitable[Any]]]] = asyncio.Queue(IN_FLIGHT)

    async def acknowledge(stream: Any) -> None:
        while True:
            event, output, sent = await pending.get()
            for future in sent:
                await future
            await stream.ack(event)
            metrics.answered(output.counts, time.time())

    async def answer_all(stream: Any) -> None:
        stream = stream.noack()
        app.add_future(acknowledge(stream))
        async for event in stream.events():
            output = make_output(source_message(event.message))
            sent = [future async for future in _send(app, topics.OUTPUT_OF[topic], output)]
            await pending.put((event, output, sent))

    app.agent(app.topic(topic, value_serializer="raw", key_serializer="raw"), name=topic, concurrency=1)(answer_all)


async def _send(app: faust.App, topic: str, output: AgentOutput) -> AsyncIterator[Awaitable[Any]]:
    """Give dead letters and output to the producer, which keeps the order within a partition."""
    for letter in output.dead_letters:
        yield await app.producer.send(topics.DEAD_LETTERS, letter.key, letter.value, None, None, letter.headers)
    yield await app.producer.send(topic, None, output.value, output.counts.partition, None, output.headers)


def source_message(message: Any) -> SourceMessage:
    """Convert a Faust message.

    Its timestamp is in seconds, and may be any number on a topic that accepts the producer's own.
    """
    return SourceMessage(
        message.topic,
        message.partition,
        message.offset,
        min(max(0, round((message.timestamp or 0) * 1000)), LAST_MS),
        message.headers or (),
        message.value,
    )
