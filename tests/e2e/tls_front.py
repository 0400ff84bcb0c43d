"""A TLS front before a plain HTTP server of the loopback, for tests.

tls_front.py CERTIFICATE KEY PORT FILE     serves at a free port, which it writes into FILE
"""

import os
import socket
import ssl
import sys
import threading


def copy(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    finally:
        try:
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def serve(context, raw, port):
    try:
        with context.wrap_socket(raw, server_side=True) as client:
            with socket.create_connection(("127.0.0.1", port)) as server:
                back = threading.Thread(target=copy, args=(server, client), daemon=True)
                threading.Thread(target=copy, args=(client, server), daemon=True).start()
                back.start()
                back.join()
    except OSError:
        pass  # a client that does not trust us


def main():
    certificate, key, port, file = sys.argv[1:]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server(("127.0.0.1", 0))
    with open(file + ".new", "w", encoding="ascii") as out:
        out.write(str(listener.getsockname()[1]))
    os.rename(file + ".new", file)
    while True:
        raw, _ = listener.accept()
        threading.Thread(target=serve, args=(context, raw, int(port)), daemon=True).start()


if __name__ == "__main__":
    main()
