#!/usr/bin/python3
"""A small RTSP camera for the tests: plays an H.264 elementary stream to each client from its beginning.

Needs the system's python3 with gir1.2-gst-rtsp-server-1.0 and gstreamer1.0-plugins-{base,good,bad}.
Prints "ready" when it listens and ends when its standard input closes, so that it never outlives the
test that started it.
"""

import argparse
import os
import sys
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402  (needs the versions above)


def demand_password(server, user, password):
    """Lets only this user in, by basic authentication."""
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    server.set_auth(auth)


def allow_viewers(factory):
    """Without this, a server with a password refuses everybody."""
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role("viewer", "media.factory.access", True)
    permissions.add_permission_for_role("viewer", "media.factory.construct", True)
    factory.set_permissions(permissions)


def end_with_parent():
    """Blocks until standard input closes: the test ended, or was killed."""
    sys.stdin.buffer.read()
    os._exit(0)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clip", required=True, help="an H.264 elementary stream (Annex B)")
    parser.add_argument("--port", required=True)
    parser.add_argument("--path", default="/cam")
    parser.add_argument("--user")
    parser.add_argument("--password")
    args = parser.parse_args()

    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(args.port)
    factory = GstRtspServer.RTSPMediaFactory()
    # Parameter sets go with each key frame, as cameras send them, so a change of size is seen.
    factory.set_launch(
        f'( filesrc location="{args.clip}" ! h264parse config-interval=-1 '
        "! rtph264pay name=pay0 pt=96 config-interval=-1 )"
    )
    if args.user:
        demand_password(server, args.user, args.password)
        allow_viewers(factory)
    server.get_mount_points().add_factory(args.path, factory)
    if server.attach(None) == 0:
        sys.exit(f"port {args.port} is taken")
    threading.Thread(target=end_with_parent, daemon=True).start()
    print("ready", flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
