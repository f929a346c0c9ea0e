"""The standard library: JSON, sqlite, zlib, decimal, time zones, locale, regular expressions, pickles, files."""

import decimal, glob, json, os, pickle, re, shutil, sqlite3, struct, tempfile, time, zipfile, zlib

value = {"a": [1, 2.5, None, True], "b": {"c": "ü"}}
print(json.loads(json.dumps(value)) == value, json.dumps(value, sort_keys=True))
print(zlib.crc32(b"krun"), len(zlib.compress(b"a" * 100000)), decimal.Decimal(2).sqrt(), 2**200, 0.1 + 0.2)
db = sqlite3.connect("/tmp/db")
db.execute("create table t (n, s)")
db.executemany("insert into t values (?, ?)", ((i, str(i)) for i in range(1000)))
db.commit()
print(db.execute("select sum(n), max(s) from t").fetchone())
with tempfile.TemporaryDirectory() as d:
    for i in range(20):
        open(f"{d}/{i}", "w").write("x" * i)
    with zipfile.ZipFile(f"{d}/z", "w", zipfile.ZIP_DEFLATED) as z:
        [z.write(p) for p in sorted(glob.glob(f"{d}/[0-9]*"))]
    print(len(zipfile.ZipFile(f"{d}/z").namelist()), sorted(os.listdir(d))[:3])
    shutil.copytree(d, d + "2")
    shutil.rmtree(d + "2")
    os.symlink("target", f"{d}/l")
    os.mkfifo(f"{d}/f")
    os.setxattr(f"{d}/1", "user.x", b"v") if False else None
    print(os.readlink(f"{d}/l"), os.stat(f"{d}/f").st_mode)
    os.utime(f"{d}/1", ns=(1, 2))
    print(os.stat(f"{d}/1").st_mtime_ns)
    print(os.statvfs(d).f_namemax, os.pathconf(d, "PC_NAME_MAX"))
os.environ["TZ"] = "Europe/Berlin"
time.tzset()
print(time.strftime("%F %T %Z", time.localtime(1700000000)))
print(
    re.sub(r"(\w+) (\w+)", r"\2 \1", "hello world"),
    pickle.loads(pickle.dumps(value)) == value,
    struct.pack("<d", 1.5).hex(),
)
print(
    os.uname().machine,
    os.cpu_count() == len(os.sched_getaffinity(0)),
    os.getuid(),
    os.getgroups(),
    os.getcwd(),
)
print(
    sum(1 for _ in os.scandir("/usr/lib/python3.11")) > 100,
    os.access("/usr/bin/python3", os.X_OK),
    os.path.exists("/missing"),
)
