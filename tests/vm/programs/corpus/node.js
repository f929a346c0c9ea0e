// Node: timers, files, workers, child processes, sockets, an HTTP server, streams, compression, cryptography.
const { Worker, isMainThread, parentPort, workerData } = require("worker_threads");
if (!isMainThread) { let sum = 0; for (let i = 0; i < workerData; i++) sum += i; parentPort.postMessage(sum); return; }
const fs = require("fs/promises"), http = require("http"), zlib = require("zlib"), crypto = require("crypto"), { promisify } = require("util");
const child = require("child_process");
const work = (n) => new Promise((done, failed) => new Worker(__filename, { workerData: n }).on("message", done).on("error", failed));
(async () => {
  console.log((await Promise.all([1e5, 2e5, 3e5].map(work))).join(" "));
  await fs.writeFile("/tmp/n", "x".repeat(1e6)); console.log((await fs.stat("/tmp/n")).size, (await fs.readdir("/usr/lib/jvm").catch(() => [])).length >= 0);
  console.log(zlib.gunzipSync(zlib.gzipSync("packed")).toString(), crypto.createHash("sha256").update("krun").digest("hex").slice(0, 12));
  console.log((await promisify(crypto.pbkdf2)("a", "b", 1000, 8, "sha512")).toString("hex"));
  console.log((await promisify(child.execFile)("echo", ["from", "a", "child"])).stdout.trim());
  console.log(await new Promise((done) => child.spawn("/missing").on("error", (e) => done(e.code))), await new Promise((done) => child.spawn("sh", ["-c", "kill -TERM $$"]).on("exit", (c, s) => done(s))));
  const server = http.createServer((q, a) => a.end("hello " + q.url)).listen(0, "127.0.0.1");
  await new Promise((done) => server.on("listening", done));
  const get = (path) => new Promise((done) => http.get({ port: server.address().port, host: "127.0.0.1", path }, (a) => { let text = ""; a.on("data", (d) => (text += d)).on("end", () => done(text)); }));
  console.log(new Set(await Promise.all([...Array(200).keys()].map((n) => get("/" + n)))).size); server.close();
  process.once("SIGUSR2", () => console.log("signal")); process.kill(process.pid, "SIGUSR2");
  await new Promise((done) => setTimeout(done, 20)); console.log(eval("1+1"), [3, 1, 2].sort().join(""), new Intl.NumberFormat("en").format(12345.6));
})();
