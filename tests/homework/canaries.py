"""Submissions that try to get at something.

The right answer is defined only if the attack fails, so that full marks mean that it did.
"""

from submitted import DOUBLE, SHRINK, TOTAL

FULL = (3, 2, 2)


def canary(attack):
    """Return cells in which `double` is right only if the attack raises or leaves `won` false."""
    cell = "won = False\ntry:\n" + "".join(f"    {line}\n" for line in attack.splitlines())
    return (
        cell + "except BaseException:\n    pass",
        f"if not won:\n    {DOUBLE.replace(chr(10), chr(10) + '    ')}",
        *(
            SHRINK,
            TOTAL,
        ),
    )


CANARIES = {
    "imports_the_reference": (canary("from gradlab.homework.assignments import hw01\nwon = True"), FULL),
    "reads_the_reference": (
        canary("import glob, gradlab\nwon = bool(glob.glob(gradlab.__path__[0] + '/**/hw0*.py', recursive=True))"),
        FULL,
    ),
    "sees_files": (
        canary("import os\nwon = any(map(os.path.exists, ('@OUTPUT@', '@TESTS@', '/etc/passwd', '/sys')))"),
        FULL,
    ),
    "writes_files": (
        canary(
            "import gradlab, os, sys\nfor d in (gradlab.__path__[0], sys.prefix, '/usr', '/etc', '/proc/sys/kernel'):\n"
            "    try:\n        won = bool(open(d + '/core_pattern', 'a')) or won\n    except OSError: pass"
        ),
        FULL,
    ),
    "reaches_the_network": (
        canary("import socket\nsocket.create_connection(('127.0.0.1', @PORT@), 2)\nwon = True"),
        FULL,
    ),
    "sees_processes": (
        canary(
            "import os\n"
            "won = any(b'homework\\0grade' in open(f'/proc/{p}/cmdline', 'rb').read() for p in"
            " os.listdir('/proc') if p.isdigit())"
        ),
        FULL,
    ),
    "becomes_root": (canary("import os\nos.setuid(0)\nwon = True"), FULL),
    "asks_the_kernel_for_too_much": (
        canary(
            "import ctypes, platform\nlibc = ctypes.CDLL(None)\nlibc.syscall.restype = ctypes.c_long\n"
            "def ask(on_intel, on_arm, *of):\n"
            "    return libc.syscall(on_arm if platform.machine() == 'aarch64' else on_intel, *of)\n"
            "won = (ask(248, 217, b'user', b'note', b'hello', 5, -3) > 0 or ask(250, 219, 0, -3, 1) > 0"
            " or ask(425, 425, 4, (ctypes.c_char * 120)()) >= 0 or libc.unshare(0x10000000) == 0)"
        ),
        FULL,
    ),
    "asks_what_others_have_read": (
        canary("import os, sys\nfd = os.open(sys.executable, 0)\nos.preadv(fd, [bytearray(1)], 0, 8)\nwon = True"),
        FULL,
    ),
    "has_secrets_in_its_environment": (canary("import os\nwon = 'GRADER_SECRET' in os.environ"), FULL),
}
