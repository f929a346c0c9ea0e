"""The configuration as typed, immutable records: all of config.md, config-linux.md and config-vm.md 1.3.0.

Names are the specification's words in snake_case.  An absent object, array or string equals an empty one;
`None` stands only where the specification tells "absent" from every value.  Numbers keep the document's
units.  A record is built by `krun.spec.load` alone, after the document was checked: what it holds is valid.

Out of scope: the checks (`check`, `rules`), the reading (`load`, `build`), and the properties of other
platforms (`commandLine`, `username`, the windows, solaris, zos and freebsd sections), which are ignored.
"""

from __future__ import annotations

from krun.types import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# -- process -------------------------------------------------------------------------------------------------


class Box(Record):
    """`process.consoleSize`: the terminal's size in characters.  To be ignored without a terminal."""

    height: int
    width: int


class User(Record):
    """`process.user`: ids of the container's user namespace.  `umask` None: leave what is inherited."""

    uid: int
    gid: int
    umask: int | None = None
    additional_gids: tuple[int, ...] = ()


class Capabilities(Record):
    """`process.capabilities`: five sets of names such as `CAP_CHOWN`; unknown names are possible."""

    bounding: tuple[str, ...] = ()
    effective: tuple[str, ...] = ()
    inheritable: tuple[str, ...] = ()
    permitted: tuple[str, ...] = ()
    ambient: tuple[str, ...] = ()


class Rlimit(Record):
    """One of `process.rlimits`: `type` such as `RLIMIT_NOFILE`, each at most once; soft <= hard."""

    type: str
    soft: int
    hard: int


class Scheduler(Record):
    """`process.scheduler`: `policy` such as `SCHED_FIFO`; times in nanoseconds."""

    policy: str
    nice: int = 0
    priority: int = 0
    flags: tuple[str, ...] = ()
    runtime: int = 0
    deadline: int = 0
    period: int = 0


class IoPriority(Record):
    """`process.ioPriority`: `class_` is IOPRIO_CLASS_RT, _BE or _IDLE; `priority` 0 (highest) to 7."""

    class_: str
    priority: int


class CpuAffinity(Record):
    """`process.execCPUAffinity`: lists of CPUs such as `0-3,7`; not for the container's init."""

    initial: str = ""
    final: str = ""


class Process(Record):
    """`process`: what runs in the container.  `args` is never empty and `cwd` is absolute.

    `capabilities` None: nothing was said about them, which is not the same as five empty sets.
    `oom_score_adj` None: the inherited value MUST NOT be changed.
    """

    user: User
    args: tuple[str, ...]
    cwd: str
    env: tuple[str, ...] = ()
    terminal: bool = False
    console_size: Box | None = None
    capabilities: Capabilities | None = None
    rlimits: tuple[Rlimit, ...] = ()
    no_new_privileges: bool = False
    oom_score_adj: int | None = None
    apparmor_profile: str = ""
    selinux_label: str = ""
    scheduler: Scheduler | None = None
    io_priority: IoPriority | None = None
    exec_cpu_affinity: CpuAffinity | None = None


# -- root, mounts, hooks -------------------------------------------------------------------------------------


class Root(Record):
    """`root`: `path` is absolute or relative to the bundle."""

    path: str
    readonly: bool = False


class IdMapping(Record):
    """A range of ids: `size` ids from `container_id` on are `host_id` and following on the host."""

    container_id: int
    host_id: int
    size: int


class Mount(Record):
    """One of `mounts`.  A relative `destination` is relative to `/`, a relative bind source to the bundle."""

    destination: str
    type: str = ""
    source: str = ""
    options: tuple[str, ...] = ()
    uid_mappings: tuple[IdMapping, ...] = ()
    gid_mappings: tuple[IdMapping, ...] = ()

    @property
    def is_bind(self) -> bool:
        """Whether it is a bind mount: with `bind` or `rbind` among its options, whatever its type."""
        return "bind" in self.options or "rbind" in self.options


class Hook(Record):
    """A program to run: absolute `path`, exact `args` and `env`; `timeout` in seconds, None: no limit."""

    path: str
    args: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    timeout: int | None = None


class Hooks(Record):
    """`hooks`, by point, each in the order in which they are to be run."""

    prestart: tuple[Hook, ...] = ()
    create_runtime: tuple[Hook, ...] = ()
    create_container: tuple[Hook, ...] = ()
    start_container: tuple[Hook, ...] = ()
    poststart: tuple[Hook, ...] = ()
    poststop: tuple[Hook, ...] = ()


# -- linux.resources -----------------------------------------------------------------------------------------


class DeviceRule(Record):
    """One of `linux.resources.devices`; `type` `a`, `b`, `c`, empty for all; None: every number."""

    allow: bool
    type: str = ""
    major: int | None = None
    minor: int | None = None
    access: str = ""


class Memory(Record):
    """`linux.resources.memory`: bytes, -1 for unlimited; `swap` counts memory and swap together."""

    limit: int | None = None
    reservation: int | None = None
    swap: int | None = None
    kernel: int | None = None
    kernel_tcp: int | None = None
    swappiness: int | None = None
    disable_oom_killer: bool | None = None
    use_hierarchy: bool | None = None
    check_before_update: bool | None = None


class Cpu(Record):
    """`linux.resources.cpu`: times in microseconds; `cpus` and `mems` are lists such as `0-3,7`."""

    shares: int | None = None
    quota: int | None = None
    burst: int | None = None
    period: int | None = None
    realtime_runtime: int | None = None
    realtime_period: int | None = None
    cpus: str = ""
    mems: str = ""
    idle: int | None = None


class Pids(Record):
    """`linux.resources.pids`: the greatest number of tasks, -1 for unlimited."""

    limit: int | None = None


class WeightDevice(Record):
    """One of `blockIO.weightDevice`: at least one of the weights is set."""

    major: int
    minor: int
    weight: int | None = None
    leaf_weight: int | None = None


class ThrottleDevice(Record):
    """A rate for one device: bytes or operations per second."""

    major: int
    minor: int
    rate: int


class BlockIo(Record):
    """`linux.resources.blockIO`: weights 10 to 1000, 0 for "leave as it is"."""

    weight: int | None = None
    leaf_weight: int | None = None
    weight_device: tuple[WeightDevice, ...] = ()
    throttle_read_bps_device: tuple[ThrottleDevice, ...] = ()
    throttle_write_bps_device: tuple[ThrottleDevice, ...] = ()
    throttle_read_iops_device: tuple[ThrottleDevice, ...] = ()
    throttle_write_iops_device: tuple[ThrottleDevice, ...] = ()


class HugepageLimit(Record):
    """One of `linux.resources.hugepageLimits`: `page_size` such as `2MB`, `limit` in bytes."""

    page_size: str
    limit: int


class InterfacePriority(Record):
    """One of `linux.resources.network.priorities`: an interface of the runtime's network namespace."""

    name: str
    priority: int


class Network(Record):
    """`linux.resources.network`: the class and the priorities of what the container sends."""

    class_id: int | None = None
    priorities: tuple[InterfacePriority, ...] = ()


class Rdma(Record):
    """What one RDMA device grants: at least one of the two is set."""

    hca_handles: int | None = None
    hca_objects: int | None = None


class Resources(Record):
    """`linux.resources`.  `devices` is in the order in which it is to be applied."""

    devices: tuple[DeviceRule, ...] = ()
    memory: Memory = Memory()
    cpu: Cpu = Cpu()
    pids: Pids = Pids()
    block_io: BlockIo = BlockIo()
    hugepage_limits: tuple[HugepageLimit, ...] = ()
    network: Network = Network()
    rdma: Mapping[str, Rdma] = {}
    unified: Mapping[str, str] = {}


# -- linux.seccomp -------------------------------------------------------------------------------------------


class SeccompArg(Record):
    """A condition on one argument: `op` such as `SCMP_CMP_EQ`; for SCMP_CMP_MASKED_EQ `value` is the mask."""

    index: int
    value: int
    op: str
    value_two: int = 0


class SeccompRule(Record):
    """One of `linux.seccomp.syscalls`: `names` is never empty; `errno_ret` None: EPERM where one is used."""

    names: tuple[str, ...]
    action: str
    errno_ret: int | None = None
    args: tuple[SeccompArg, ...] = ()


class Seccomp(Record):
    """`linux.seccomp`: actions such as `SCMP_ACT_ERRNO`, architectures such as `SCMP_ARCH_X86_64`."""

    default_action: str
    default_errno_ret: int | None = None
    architectures: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    listener_path: str = ""
    listener_metadata: str = ""
    syscalls: tuple[SeccompRule, ...] = ()


# -- linux ---------------------------------------------------------------------------------------------------


class Namespace(Record):
    """One of `linux.namespaces`, each type at most once: created when `path` is empty, else joined."""

    type: str
    path: str = ""

    @property
    def is_new(self) -> bool:
        """Whether the container gets a namespace of its own."""
        return self.path == ""


class TimeOffset(Record):
    """The offset of one clock (`monotonic`, `boottime`) in the container's time namespace."""

    secs: int = 0
    nanosecs: int = 0


class Device(Record):
    """One of `linux.devices`: `type` `c`, `b`, `u` or `p`; a `p` has no numbers.  `path` is absolute.

    `file_mode` may hold the type's bits as well, as dockerd writes them.
    """

    type: str
    path: str
    major: int = 0
    minor: int = 0
    file_mode: int | None = None
    uid: int | None = None
    gid: int | None = None


class NetDevice(Record):
    """The value of one of `linux.netDevices`: the name in the container, empty for the same."""

    name: str = ""


class IntelRdt(Record):
    """`linux.intelRdt`: the class of service, and what is written to its `schemata`."""

    clos_id: str = ""
    schemata: tuple[str, ...] = ()
    l3_cache_schema: str = ""
    mem_bw_schema: str = ""
    enable_monitoring: bool = False


class MemoryPolicy(Record):
    """`linux.memoryPolicy`: `mode` such as `MPOL_BIND`, `nodes` such as `0-3,7`."""

    mode: str
    nodes: str = ""
    flags: tuple[str, ...] = ()


class Personality(Record):
    """`linux.personality`: `LINUX` or `LINUX32`."""

    domain: str
    flags: tuple[str, ...] = ()


class Linux(Record):
    """`linux`: everything that only Linux has."""

    namespaces: tuple[Namespace, ...] = ()
    uid_mappings: tuple[IdMapping, ...] = ()
    gid_mappings: tuple[IdMapping, ...] = ()
    time_offsets: Mapping[str, TimeOffset] = {}
    devices: tuple[Device, ...] = ()
    net_devices: Mapping[str, NetDevice] = {}
    cgroups_path: str = ""
    resources: Resources = Resources()
    rootfs_propagation: str = ""
    seccomp: Seccomp | None = None
    sysctl: Mapping[str, str] = {}
    masked_paths: tuple[str, ...] = ()
    readonly_paths: tuple[str, ...] = ()
    mount_label: str = ""
    intel_rdt: IntelRdt | None = None
    memory_policy: MemoryPolicy | None = None
    personality: Personality | None = None

    def namespace(self, type: str) -> Namespace | None:
        """Return the namespace of that type, None when the container inherits the runtime's."""
        for namespace in self.namespaces:
            if namespace.type == type:
                return namespace
        return None


# -- vm ------------------------------------------------------------------------------------------------------


class VmHypervisor(Record):
    """`vm.hypervisor`: an absolute path on the host and its parameters."""

    path: str
    parameters: tuple[str, ...] = ()


class VmKernel(Record):
    """`vm.kernel`: absolute paths on the host; `initrd` empty for none."""

    path: str
    parameters: tuple[str, ...] = ()
    initrd: str = ""


class VmImage(Record):
    """`vm.image`: the virtual machine's own root, not the container's."""

    path: str
    format: str


class VmIomem(Record):
    """A range of I/O memory pages; `first_gfn` None: the same number as `first_mfn`."""

    first_mfn: int
    nr_mfns: int
    first_gfn: int | None = None


class VmHwConfig(Record):
    """`vm.hwConfig`: the hardware that the virtual machine is given; `memory` in bytes."""

    device_tree: str = ""
    vcpus: int | None = None
    memory: int | None = None
    dtdevs: tuple[str, ...] = ()
    iomems: tuple[VmIomem, ...] = ()
    irqs: tuple[int, ...] = ()


class Vm(Record):
    """`vm`: what a client asks of a virtual machine of its own choosing.

    `hwconfig` is `hwConfig` as Go clients spell it.
    """

    kernel: VmKernel
    hypervisor: VmHypervisor | None = None
    image: VmImage | None = None
    hw_config: VmHwConfig | None = None
    hwconfig: VmHwConfig | None = None


# -- the whole -----------------------------------------------------------------------------------------------


class Spec(Record):
    """A bundle's config.json.  `process` None: such a container can be created but not started."""

    oci_version: str
    root: Root
    process: Process | None = None
    mounts: tuple[Mount, ...] = ()
    hooks: Hooks = Hooks()
    hostname: str = ""
    domainname: str = ""
    annotations: Mapping[str, str] = {}
    linux: Linux = Linux()
    vm: Vm | None = None
