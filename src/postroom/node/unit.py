"""How the system starts the node of a user and keeps it running: a systemd user unit, or a launchd file. Printed, never installed."""

from __future__ import annotations

import os
import sys
from shlex import quote
from types import SimpleNamespace
from xml.sax.saxutils import escape

SYSTEMD = """\
# ~/.config/systemd/user/postroom.service; then: systemctl --user enable --now postroom
[Unit]
Description=Postroom: the post room of this user over HTTP

[Service]
Type=notify
NotifyAccess=main
ExecStart={command}
ExecReload=/bin/kill -HUP $MAINPID
Environment={environment}
Restart=on-failure
RestartSec=1
LimitNOFILE=65536
UMask=0077
NoNewPrivileges=yes
PrivateTmp=no

[Install]
WantedBy=default.target
"""
LAUNCHD = """\
<?xml version="1.0" encoding="UTF-8"?>
<!-- ~/Library/LaunchAgents/postroom.plist; then: launchctl load -w ~/Library/LaunchAgents/postroom.plist -->
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key><string>postroom</string>
  <key>ProgramArguments</key>
  <array>
{arguments}
  </array>
  <key>EnvironmentVariables</key>
  <dict><key>POSTROOM_HOME</key><string>{home}</string></dict>
  <key>RunAtLoad</key><true/>
  <key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>
  <key>SoftResourceLimits</key><dict><key>NumberOfFiles</key><integer>65536</integer></dict>
  <key>Umask</key><integer>63</integer>
</dict>
</plist>
"""
OPTIONS = ("listen", "gateway_port", "certificate", "key", "log")


def unit(home: str, args: SimpleNamespace) -> str:
    """The file for this system, that starts the node as it would start now."""
    words = command(args)
    if sys.platform == "darwin":
        lines = "\n".join(f"    <string>{escape(word)}</string>" for word in words)
        return LAUNCHD.format(arguments=lines, home=escape(home))
    return SYSTEMD.format(command=" ".join(escaped(word) for word in words), environment=escaped(f"POSTROOM_HOME={home}"))


def command(args: SimpleNamespace) -> list[str]:
    """The program with what was said."""
    words = [*program(), "up"]
    for name in OPTIONS:
        value = getattr(args, name)
        if value is not None and not (name == "log" and value == "info"):
            path = name in {"certificate", "key"}
            words += [f"--{name.replace('_', '-')}", os.path.abspath(value) if path else str(value)]
    return words


def program() -> list[str]:
    """How this program was started: by its name, or as a module."""
    path = os.path.abspath(sys.argv[0])
    return [path] if os.path.isfile(path) and os.access(path, os.X_OK) else [sys.executable, "-m", "postroom"]


def escaped(word: str) -> str:
    """A word as systemd reads it: % and $ stand for themselves, see systemd.service(5)."""
    return quote(word.replace("%", "%%").replace("$", "$$"))
