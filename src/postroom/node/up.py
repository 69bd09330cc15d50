"""The node's life: take the lock, listen, serve until told to stop, let everybody go. What it serves is in http/."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

import uvicorn
import uvloop

from postroom.config import NodeSettings
from postroom.core.errors import PostroomError
from postroom.core.refusals import CannotListen
from postroom.http.assembly import Served
from postroom.http.node import Node
from postroom.http.wire import KEPT_S, Wire
from postroom.node.listening import BACKLOG, Listener, is_loopback, listeners, parted
from postroom.node.lock import locked, sign
from postroom.node.services import Services

log = logging.getLogger("postroom.node")
GRACE_S: Final = 10
"""So long requests may take to end when the node stops; systemd waits 90 s."""
FILES_MIN: Final = 4_096
FRAME_BYTES_MAX: Final = 8_388_608
PING_S: Final = 20.0

Tell = Callable[[list[str]], None]


class Server(uvicorn.Server):
    """One address. Signals are the node's matter."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield


def run(home: str, settings: NodeSettings, tell: Tell) -> None:
    """Be the node of the post room in `home` until SIGTERM or SIGINT. `tell` is given the addresses when it serves. Raises NodeRuns."""
    allow_files()
    check_certificate(settings)
    with locked(home) as lock:
        opened = listeners(home, settings)
        warn_of_strangers(settings, opened)
        addresses = [one.url for one in opened]
        sign(lock, addresses)
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(serve(home, settings, opened, lambda: tell(addresses)))
        finally:
            for one in opened:
                one.socket.close()
            with suppress(FileNotFoundError):
                os.unlink(opened[0].url.removeprefix("unix://"))


async def serve(home: str, settings: NodeSettings, opened: list[Listener], ready: Callable[[], None]) -> None:
    """Serve until told to stop."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    node = Node(home)
    services = Services(home)
    loop.add_signal_handler(signal.SIGHUP, lambda: loop.create_task(reload(node, services)))
    parts = Served(node)
    servers = [Server(config_of(parts, one, settings)) for one in opened]
    tasks = [loop.create_task(server.serve([one.socket])) for server, one in zip(servers, opened, strict=True)]
    node.begin()
    parts.begin()
    services.begin(node.config)
    await asyncio.sleep(0)  # each begins to listen in its first step
    ready()
    notify("READY=1")
    log.info("up", extra={"facts": {"pid": os.getpid(), "addresses": [one.url for one in opened]}})
    stopped = loop.create_task(stopping.wait())
    await asyncio.wait({stopped, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    notify("STOPPING=1")
    log.info("stopping")
    for server in servers:
        server.should_exit = True
    await services.close()
    await node.let_go()
    await parts.close()
    await asyncio.gather(*tasks)
    await node.close()
    log.info("stopped")


async def reload(node: Node, services: Services) -> None:
    """Read the config again, as SIGHUP asks for."""
    try:
        await node.reload()
    except PostroomError as error:
        log.error("config not reloaded", extra={"facts": {"error": error.code, "why": str(error)}})  # noqa: TRY400  # a fault of the file
    else:
        await services.restart(node.config)
        log.info("config reloaded")


def config_of(parts: Served, listener: Listener, settings: NodeSettings) -> uvicorn.Config:
    """How uvicorn serves an address."""
    secure = listener.way.secure
    return uvicorn.Config(
        parts.app(listener.way),
        http=Wire,
        ws="websockets-sansio",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEPT_S,
        timeout_graceful_shutdown=GRACE_S,
        ws_max_size=FRAME_BYTES_MAX,
        ws_ping_interval=PING_S,
        ws_ping_timeout=PING_S,
        ws_per_message_deflate=False,
        ssl_certfile=settings.certificate if secure else None,
        ssl_keyfile=(settings.key or None) if secure else None,
    )


def notify(state: str) -> None:
    """Tell the service manager, if one started us: https://www.freedesktop.org/software/systemd/man/sd_notify.html."""
    path = os.environ.get("NOTIFY_SOCKET")
    if path:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, suppress(OSError):
            manager.sendto(state.encode(), path.replace("@", "\0", 1) if path.startswith("@") else path)


def check_certificate(settings: NodeSettings) -> None:
    """Raise CannotListen for a certificate or a key that cannot be used."""
    if settings.certificate:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(settings.certificate, settings.key or None)
        except OSError as error:  # also what is wrong inside
            why = f"the certificate {settings.certificate} cannot be used ({error.strerror or error})"
            raise CannotListen(address=settings.listen, why=why) from error


def warn_of_strangers(settings: NodeSettings, opened: list[Listener]) -> None:
    """Say loudly when other machines can listen in."""
    if settings.listen and not is_loopback(parted(settings.listen)[0]) and not settings.certificate:
        facts = {"addresses": [one.url for one in opened if one.way.name != "unix"]}
        log.warning(
            "other machines reach this node without TLS: tokens and messages can be read on the way. Set certificate and key under [node]",
            extra={"facts": facts},
        )


def allow_files() -> None:
    """Let this process have as many descriptors as it may: each connection and each seat needs some."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, 65_536) if hard != resource.RLIM_INFINITY else 65_536
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
