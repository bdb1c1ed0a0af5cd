"""What the clients of one topic set are told: hello, snap, delta, hb. No I/O."""

from ioc.api.live.frames import Packet
from ioc.api.live.latest_values import LatestValues

TOPICS = ("kpis", "sources", "alerts")
LEDGER = "ledger"
NO_STATE = -1
"""Position of a client that has no state yet."""
_DELTAS_KEPT = 16


class TopicStream:
    """All clients that asked for the same topics share one feed, and with it every message.

    `seq` is the position after the latest change of these topics; `epoch` names the run of positions, so that a
    client with other topics or from before a restart cannot resume here. The ledger goes with the sources.
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
        return [*self._arrays, *([LEDGER] if self._ledger is not None else [])]

    def advance(self, seq: int, *, restarted: bool = False) -> None:
        """Something of these topics changed at `seq`. `restarted`: clients need all of it anew."""
        self.seq = seq
        self._packets.clear()
        if restarted:
            self.oldest = seq

    def hello(self, server_time: str) -> Packet:
        return Packet(
            b'{"type":"hello","version":1,"epoch":"%s","seq":%d,"server_time":"%s"}'
            % (self.epoch.encode(), self.seq, server_time.encode())
        )

    def resumed(self, epoch: str, seq: int) -> int:
        """The position of a client that comes back, NO_STATE if its changes are not known any more."""
        return seq if epoch == self.epoch and self.oldest <= seq <= self.seq else NO_STATE

    def update(self, position: int, beat: str = "") -> Packet:
        """What brings a client from `position` to `seq`, with a heartbeat behind it when `beat` is a server time.

        Encoded once for each position in a tick; when clients stand at too many positions, some get a snap instead.
        """
        known = self.oldest <= position <= self.seq
        if not known or ((position, beat) not in self._packets and len(self._packets) >= _DELTAS_KEPT):
            position = NO_STATE
        packet = self._packets.get((position, beat))
        if packet is None:
            state = self._snap() if position == NO_STATE else self._delta(position)
            packet = Packet(state, self._hb(beat)) if beat else Packet(state)
            if len(self._packets) > _DELTAS_KEPT:
                self._packets.clear()
            self._packets[position, beat] = packet
        return packet

    def beat(self, server_time: str) -> Packet:
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
