"""Ask a web server on loopback for /: requests.py PORT COUNT, over four connections that are kept."""

import http.client, sys, threading

port, count = int(sys.argv[1]), int(sys.argv[2])
answers = []


def ask():
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for _ in range(count // 4):
        connection.request("GET", "/")
        answers.append(connection.getresponse().read())


threads = [threading.Thread(target=ask) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(answers), set(answers))
