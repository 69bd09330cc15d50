"""The config file of a post room: config.toml in its home. Read once, when an agent connects."""

from __future__ import annotations

import os

from postroom.core.errors import BadConfig, BadValue, NoIdentity
from postroom.core.limits import Limits, limits_from
from postroom.core.types import NamedTuple

SAFE, RELAXED = "safe", "relaxed"
PRUNE_DAYS_MAX = 36_525
"""A century, as for `postroom prune --older-than`."""


ALERT_ON = frozenset({"requests", "held", "messages"})
SECRET = frozenset({"alerts"})
"""Settings that are never said: an apprise URL holds a password or a key."""


class NodeSettings(NamedTuple):
    """Where and how `postroom up` listens: the table [node]. Other `hosts` than this machine's are names under which it is reached."""

    listen: str = "127.0.0.1:8091"  # the port of the bus in the article
    gateway_port: int = 0  # 0: the gateway is /ws of the same address only
    hosts: tuple[str, ...] = ()
    certificate: str = ""  # PEM files; with them the address speaks TLS
    key: str = ""
    alerts: tuple[str, ...] = ()  # apprise URLs: where people are told
    alert_on: tuple[str, ...] = ("requests", "held")


class Config(NamedTuple):
    """What can be configured."""

    durability: str = SAFE  # "safe": accepted means safe against a power cut; "relaxed": against kill -9 only
    prune_days: int = 0  # threads older than this, in which all is settled, are pruned by the warden; 0: never
    limits: Limits = Limits()
    node: NodeSettings = NodeSettings()


def read_config(home: str) -> Config:
    """The config of the post room in `home`, or the defaults when there is no file. Raises BadConfig, naming the line or the key."""
    path = os.path.join(home, "config.toml")
    if not os.path.exists(path):
        return Config()
    import tomllib

    try:
        with open(path, "rb") as file:
            settings = tomllib.load(file)
        return config_from(settings)
    except OSError as error:
        raise BadConfig(path=path, why=f"it cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise BadConfig(path=path, why=f"it is not UTF-8 (byte {error.start + 1} of the file)") from error
    except (tomllib.TOMLDecodeError, BadValue) as error:
        raise BadConfig(path=path, why=str(error).rstrip(".")) from error


def config_from(settings: dict[str, object]) -> Config:
    """Check the settings of a config file. Raises BadValue."""
    unknown = settings.keys() - {"durability", "prune_days", "limits", "node"}
    if unknown:
        raise BadValue(name="the setting", value=min(unknown), why="the settings are durability, prune_days, [limits] and [node]")
    limits = settings.get("limits", {})
    if not isinstance(limits, dict):
        raise BadValue(name="limits", value=limits, why="it is a table: [limits]")
    prune_days = settings.get("prune_days", 0)
    if type(prune_days) is not int or not 0 <= prune_days <= PRUNE_DAYS_MAX:
        raise BadValue(name="prune_days", value=prune_days, why=f"it is a whole number of days up to {PRUNE_DAYS_MAX:,}, 0 for never")
    node = node_settings(settings["node"]) if "node" in settings else NodeSettings()
    return Config(checked_durability(settings.get("durability", SAFE)), prune_days, limits_from(limits), node)


def node_settings(table: object) -> NodeSettings:
    """Check the table [node]. Raises BadValue."""
    if not isinstance(table, dict):
        raise BadValue(name="node", value=table, why="it is a table: [node]")
    defaults = NodeSettings()._asdict()
    for name, value in table.items():
        if name not in defaults:
            raise BadValue(name="[node]", value=name, why=f"the settings are {', '.join(defaults)}")
        wanted = list if isinstance(defaults[name], tuple) else type(defaults[name])
        if type(value) is not wanted or (wanted is list and not all(isinstance(one, str) for one in value)):
            why = {str: "it is a text", int: "it is a number", list: "it is a list of texts"}[wanted]
            raise BadValue(name=f"[node] {name}", value="what it is" if name in SECRET else value, why=why)
        if name == "alert_on" and not set(value) <= ALERT_ON:
            raise BadValue(name="[node] alert_on", value=value, why=f"they are some of {', '.join(sorted(ALERT_ON))}")
    given = {name: tuple(value) if isinstance(value, list) else value for name, value in table.items()}
    return NodeSettings(**given)  # type: ignore[arg-type]  # checked above


def checked_durability(value: object) -> str:
    """Either "safe" or "relaxed". Raises BadValue."""
    if value not in {SAFE, RELAXED}:
        raise BadValue(name="durability", value=value, why="it is safe or relaxed")
    return str(value)


def named(name: str | None) -> str | None:
    """The name that is given, an empty one too, or $POSTROOM_AGENT; None if it was not said who calls."""
    return name if name is not None else os.environ.get("POSTROOM_AGENT") or None


def identity(name: str | None) -> str:
    """The name to act under. Raises NoIdentity if it was not said."""
    name = named(name)
    if name is None:
        raise NoIdentity
    return name
