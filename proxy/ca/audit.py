"""Who is at the keyboard, for the audit."""

from __future__ import annotations

import os
import pwd


def operator() -> str:
    """Return the OS user, and behind sudo the one who called it.

    The user comes from the kernel, not from LOGNAME: anybody can set that. SUDO_USER counts only
    for root, who could write the store directly anyway.
    """
    name = _user_name(os.getuid())
    caller = os.environ.get("SUDO_USER", "") if os.getuid() == 0 else ""
    return f"{name} (sudo by {caller})" if caller.isprintable() and caller else name


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # a container may run under a number without a name
        return f"uid {uid}"
