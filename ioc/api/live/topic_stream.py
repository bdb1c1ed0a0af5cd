"""The messages for clients of one set of topics: hello, snap, delta, hb (heartbeat). No I/O."""

from ioc.api.live.frames import Packet
from ioc.api.live.latest_values import LatestValues

TOPICS = ("kpis", "sources", "alerts")
LEDGER = "ledger"
NO_STATE = -1
"""Position of a client without a state."""
_MAX_DELTAS = 16


class TopicStream:
    """Messages for all clients that subscribe to the same topics; they share every encoded message.

    `seq` is the position after the latest change of these topics. `epoch` identifies the sequence of positions, so that
    a client with other topics, or from before a restart, cannot resume. The ledger is part of the topic `sources`.
    """

    def __init__(self, topics: frozenset[str], epoch: str, tables: dict[str, LatestValues]) -> None:
        names = [name for name in TOPICS if name in topics]
        self.epoch = f"{epoch}-{''.join(name[0] for name in names)}"
        self._arrays = {name: tables[name] for name in names}
        self._ledger = tables[LEDGER] if "sources" in topics else None
        self.seq = 0
        self.oldest = 0
        self._packets: dict[tuple[int, str], Packet] = {}

    @property
    def topics(self) -> list[str]:
        """The topics, and the ledger if it is included."""
        return [*self._arrays, *([LEDGER] if self._ledger is not None else [])]

    def advance(self, seq: int, *, restarted: bool = False) -> None:
        """Note a change of these topics at `seq`. `restarted`: clients need the whole state again."""
        self.seq = seq
        self._packets.clear()
        if restarted:
            self.oldest = seq

    def hello(self, server_time: str) -> Packet:
        """Return the first message to a client."""
        return Packet(
            b'{"type":"hello","version":1,"epoch":"%s","seq":%d,"server_time":"%s"}'
            % (self.epoch.encode(), self.seq, server_time.encode())
        )

    def resumed(self, epoch: str, seq: int) -> int:
        """Return the position of a client that reconnects; NO_STATE if its changes are no longer known."""
        return seq if epoch == self.epoch and self.oldest <= seq <= self.seq else NO_STATE

    def update(self, position: int, beat: str = "") -> Packet:
        """Return what brings a client from `position` to `seq`, followed by a heartbeat if `beat` is a time.

        Encoded once for each position in a tick. When there are too many positions, some clients get a snap instead.
        """
        is_known = self.oldest <= position <= self.seq
        if not is_known or ((position, beat) not in self._packets and len(self._packets) >= _MAX_DELTAS):
            position = NO_STATE
        packet = self._packets.get((position, beat))
        if packet is None:
            state = self._snap() if position == NO_STATE else self._delta(position)
            packet = Packet(state, self._hb(beat)) if beat else Packet(state)
            if len(self._packets) > _MAX_DELTAS:
                self._packets.clear()
            self._packets[position, beat] = packet
        return packet

    def beat(self, server_time: str) -> Packet:
        """Return a heartbeat."""
        return Packet(self._hb(server_time))

    def _hb(self, server_time: str) -> bytes:
        return b'{"type":"hb","seq":%d,"server_time":"%s"}' % (self.seq, server_time.encode())

    def _snap(self) -> bytes:
        fields = [_array(name, table.present()) for name, table in self._arrays.items()]
        if self._ledger is not None:
            fields += [b'"ledger":' + fragment for fragment in self._ledger.present()]
        return b'{"type":"snap","seq":%d,%s}' % (self.seq, b",".join(fields))

    def _delta(self, position: int) -> bytes:
        fields = [_array(name, changed) for name, table in self._arrays.items() if (changed := table.since(position))]
        if self._ledger is not None:
            fields += [b'"ledger":' + fragment for fragment in self._ledger.since(position)]
        head = b'"type":"delta","prev":%d,"seq":%d' % (position, self.seq)
        return b"{%s}" % b",".join([head, *fields])


def _array(name: str, fragments: list[bytes]) -> bytes:
    return b'"%s":[%s]' % (name.encode(), b",".join(fragments))
