"""What a plan is, and the options that shape one.

Out of scope: how a plan is made (`build`), put into words (`explain`) and carried out (`krun.execute`).
"""

from __future__ import annotations

from krun.types import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from krun.plan.cgroups import CgroupPlan
    from krun.plan.network import NetDevice
    from krun.plan.ops import Op
    from krun.plan.rdt import RdtPlan
    from krun.spec.model import Hooks


OCI_VERSION = "1.3.0"
"""The version of the specification that krun implements."""


class Options(Record):
    """What the caller asked for beside the configuration."""

    id: str
    bundle: str
    """Absolute path of the bundle."""
    monitor: str = "builtin"
    """`builtin` or `none`."""
    no_pivot: bool = False
    no_new_keyring: bool = False
    preserve_fds: int = 0
    """How many descriptors above 2 the payload keeps, beside `listen_fds`."""
    console_socket: bool = False
    """Whether there is a socket that takes the terminal's master."""
    cgroup_manager: str = "cgroupfs"
    """`cgroupfs`, `systemd` or `disabled`."""
    rootless: str = "auto"
    """`true` or `false` says whether cgroups that the caller may not make are done without; `auto` lets krun
    see whether the caller is root."""
    listen_fds: int = 0
    """How many of them are sockets that the caller activates the payload with; they come first."""
    listen_names: str = ""
    """What LISTEN_FDNAMES says about them; "" for nothing."""
    notify_directory: str = ""
    """A directory of the host with the socket that the payload notifies (sd_notify(3)); "" for none."""
    home: str = "/"
    """The home directory that the image's passwd gives the user; for an environment without HOME."""
    init_pid: int = 0
    """The pid of the container's init, as the runtime sees it, for a process that joins."""
    oci_version: str = OCI_VERSION
    """The version of the specification that the state given to hooks complies with."""


class IdMaps(Record):
    """The maps of a new user namespace, as the text that goes into `/proc/PID/{uid,gid}_map`."""

    uid_lines: str
    gid_lines: str
    setgroups_deny: bool
    """Whether `deny` has to be written to `/proc/PID/setgroups` before the gid map."""
    uid_helper: bool = False
    """Whether newuidmap has to write the map: a plain user may map nothing but their own id."""
    gid_helper: bool = False
    """The same of newgidmap."""


class Plan(Record):
    """Everything that `create` will do."""

    program: tuple[Op, ...]
    """The program of krun-init."""
    id_maps: IdMaps | None
    """The maps to write when the stage asks for them; None without a new user namespace."""
    cgroup: CgroupPlan | None
    """The cgroup to make and to put init into; None where cgroups are disabled."""
    rdt: RdtPlan | None
    """The class of service and the monitoring group; None leaves the resctrl file system alone."""
    net_devices: tuple[NetDevice, ...]
    """The network devices to move into the container's namespace, when init waits."""
    hooks: Hooks
    """All hooks of the configuration.  The runtime runs prestart and createRuntime when the program's
    RunHooks asks for them, poststart after the start and poststop after the deletion."""
    terminal: bool
    """Whether the program sends a terminal's master over the console socket."""
    needs_kvm: bool
    """Whether the monitor is a VM, and so wants /dev/kvm."""
    listener: str
    """The socket that the seccomp listener is sent to, over a connection of its own; empty for none."""
    rootfs: str
    """Absolute path of the root file system."""
    shares_mounts: bool
    """Whether the container's mounts stand in the runtime's mount namespace, and have to be taken away."""
    warnings: tuple[str, ...]
    """What was asked for and cannot be had, and yet is no error."""
