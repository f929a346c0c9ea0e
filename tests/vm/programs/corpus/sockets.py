"""Sockets: TCP, UDP, Unix with descriptors and credentials, socketpair, epoll, asyncio, non-blocking, options."""

import array, asyncio, os, select, socket, struct, threading

server = socket.create_server(("127.0.0.1", 0))
port = server.getsockname()[1]


def echo():
    connection, _ = server.accept()
    with connection:
        while data := connection.recv(65536):
            connection.sendall(data)


t = threading.Thread(target=echo)
t.start()
client = socket.create_connection(("127.0.0.1", port))
payload = os.urandom(3_000_000)
got = bytearray()
sender = threading.Thread(target=lambda: (client.sendall(payload), client.shutdown(socket.SHUT_WR)))
sender.start()
while data := client.recv(65536):
    got += data
sender.join()
t.join()
print(bytes(got) == payload, client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
udp = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
udp[0].bind(("127.0.0.1", 0))
udp[1].sendto(b"datagram", udp[0].getsockname())
print(udp[0].recvfrom(100)[0])
a, b = socket.socketpair()
r, w = os.pipe()
socket.send_fds(a, [b"take this"], [r])
message, fds, _, _ = socket.recv_fds(b, 100, 4)
os.write(w, b"by the passed descriptor")
print(message, os.read(fds[0], 100))
b.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
a.send(b"x")
data, ancillary, _, _ = b.recvmsg(10, socket.CMSG_SPACE(12))
print(struct.unpack("iii", ancillary[0][2])[0] == os.getpid())
print(struct.unpack("iii", a.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[1:])
for name in ("\0abstract", "/tmp/path.sock"):
    s = socket.socket(socket.AF_UNIX)
    s.bind(name)
    s.listen()
    c = socket.socket(socket.AF_UNIX)
    c.connect(name)
    c.send(b"unix")
    k, _ = s.accept()
    print(k.recv(10), s.getsockname())
poll = select.epoll()
poll.register(a, select.EPOLLIN | select.EPOLLET)
b.send(b"edge")
print(len(poll.poll(5)), poll.poll(0))
for call in (
    lambda: socket.create_connection(("127.0.0.1", 1), 2),
    lambda: socket.socket(socket.AF_UNIX).connect("/nowhere"),
):
    try:
        call()
    except OSError as e:
        print(type(e).__name__)
s = socket.socket()
s.settimeout(0.05)
s.bind(("127.0.0.1", 0))
s.listen()
try:
    s.accept()
except TimeoutError:
    print("timeout")
print(
    socket.has_dualstack_ipv6(),
    socket.if_nameindex(),
    socket.getaddrinfo("localhost", 80, socket.AF_INET, socket.SOCK_STREAM)[0][4],
)


async def main():
    async def handle(reader, writer):
        writer.write((await reader.readline()).upper())
        await writer.drain()
        writer.close()

    s = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = s.sockets[0].getsockname()[1]

    async def ask(n):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"hello {n}\n".encode())
        answer = await reader.read()
        writer.close()
        return answer

    print(len(set(await asyncio.gather(*(ask(n) for n in range(100))))))
    p = await asyncio.create_subprocess_exec("cat", stdin=-1, stdout=-1)
    print(await p.communicate(b"async child"), p.returncode)
    try:
        await asyncio.wait_for(asyncio.sleep(10), 0.05)
    except TimeoutError:
        print("cancelled")


asyncio.run(main())
with open("/tmp/sent", "wb") as f:
    f.write(payload)
a, b = socket.socketpair()
a.setblocking(True)
t = threading.Thread(target=lambda: (a.sendfile(open("/tmp/sent", "rb")), a.close()))
t.start()
total = 0
while data := b.recv(65536):
    total += len(data)
t.join()
print(total)
