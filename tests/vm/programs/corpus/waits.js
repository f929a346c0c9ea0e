// Say that one is ready and wait for SIGTERM.
process.on("SIGTERM", () => process.exit(7));
console.log("ready");
setInterval(() => {}, 1000);
