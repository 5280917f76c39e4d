"""The lower bound for a fan-out: one system call per reader, measured alone."""

import select
import shutil
import socket
import subprocess
import tempfile
import threading
from pathlib import Path
from time import perf_counter, thread_time

__all__ = ["python_send_floor", "send_floor"]

_SECONDS = 0.3

_PROGRAM = r"""
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int readers, epoll;

static void *drain(void *unused) {
    static char buffer[1 << 18];
    struct epoll_event events[256];
    for (;;) {
        int n = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; i < n; i++)
            while (recv(events[i].data.fd, buffer, sizeof buffer, MSG_DONTWAIT) > 0) {}
    }
    return unused;
}

static double now(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
    readers = atoi(argv[1]);
    int size = atoi(argv[2]), one = 1;
    int *fds = calloc(readers, sizeof *fds);
    char *data = calloc(1, size);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;
    int listening = socket(AF_INET, SOCK_STREAM, 0);
    if (argc != 3 || bind(listening, (void *)&at, sizeof at) || listen(listening, 1024))
        return 1;
    getsockname(listening, (void *)&at, &length);
    epoll = epoll_create1(0);
    for (int i = 0; i < readers; i++) {
        int reading = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(reading, (void *)&at, sizeof at))
            return 1;
        fds[i] = accept(listening, 0, 0);
        setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct epoll_event event = {.events = EPOLLIN, .data.fd = reading};
        epoll_ctl(epoll, EPOLL_CTL_ADD, reading, &event);
    }
    pthread_t thread;
    pthread_create(&thread, 0, drain, 0);
    long calls = 0;
    double begin = now(CLOCK_MONOTONIC), cpu = now(CLOCK_THREAD_CPUTIME_ID);
    do {
        for (int i = 0; i < readers; i++)
            if (send(fds[i], data, size, 0) != size)
                return 1;
        calls += readers;
    } while (now(CLOCK_MONOTONIC) - begin < %SECONDS%);
    printf("%f\n", (now(CLOCK_THREAD_CPUTIME_ID) - cpu) / calls * 1e6);
    return 0;
}
"""


def send_floor(readers: int, size: int) -> float | None:
    """Return the microseconds of CPU per `send` in a C loop over `readers` sockets.

    None without a C compiler.
    """
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    with tempfile.TemporaryDirectory() as name:
        source, program = Path(name) / "floor.c", Path(name) / "floor"
        source.write_text(_PROGRAM.replace("%SECONDS%", str(_SECONDS)))
        subprocess.run([compiler, "-O2", "-pthread", "-o", program, source], check=True)
        done = subprocess.run(
            [program, str(readers), str(size)], check=True, capture_output=True, text=True
        )
    return float(done.stdout)


def python_send_floor(readers: int, size: int) -> float:
    """Return the same for `socket.send` in a Python loop."""
    data = bytes(size)
    pairs = []
    with socket.create_server(("127.0.0.1", 0), backlog=1_024) as listening:
        for _ in range(readers):
            near = socket.create_connection(listening.getsockname())
            far, _ = listening.accept()
            far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pairs.append((near, far))
    is_over = threading.Event()
    cpu, calls = 0.0, 0
    drained = threading.Thread(target=_drain, args=([near for near, _ in pairs], is_over))
    drained.start()
    sends = [far.send for _, far in pairs]
    begin = perf_counter()
    while perf_counter() - begin < _SECONDS:
        before = thread_time()
        for send in sends:
            send(data)
        cpu += thread_time() - before
        calls += readers
    is_over.set()
    drained.join()
    for near, far in pairs:
        near.close()
        far.close()
    return cpu / calls * 1e6


def _drain(sockets: list[socket.socket], is_over: threading.Event) -> None:
    with select.epoll() as epoll:
        by_fd = {one.fileno(): one for one in sockets}
        for fd in by_fd:
            epoll.register(fd, select.EPOLLIN)
        while not is_over.is_set():
            for fd, _ in epoll.poll(0.05):
                by_fd[fd].recv(262_144)
