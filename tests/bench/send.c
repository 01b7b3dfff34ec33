/* SPDX-License-Identifier: MIT
 *
 * Sends the packets of an Ethernet capture from a device, so many a second: what a live capture is
 * measured with. Classic pcap, this machine's byte order, as gen.c writes it. Prints packets and
 * seconds, and how many packets the device would not take at first.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, FILE_HEAD = 24, PACKET_HEAD = 16 };

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void die(const char *what)
{
    perror(what);
    exit(2);
}

static int open_device(const char *name)
{
    struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP)};
    int fd = socket(AF_PACKET, SOCK_RAW, 0), on = 1;
    if (fd < 0) die("socket");
    to.sll_ifindex = (int)if_nametoindex(name);
    if (!to.sll_ifindex || bind(fd, (struct sockaddr *)&to, sizeof to) != 0) die(name);
    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on); /* cheaper; veth needs none */
    return fd;
}

/* The next packets; returns how many. */
static unsigned fill(struct mmsghdr *m, struct iovec *io, const uint8_t *p, size_t n, size_t *at)
{
    unsigned k = 0;
    for (; k < BATCH && *at + PACKET_HEAD <= n; k++) {
        uint32_t len;
        memcpy(&len, p + *at + 8, sizeof len);
        if (len > n - *at - PACKET_HEAD) break;
        io[k] = (struct iovec){(void *)(uintptr_t)(p + *at + PACKET_HEAD), len};
        m[k].msg_hdr = (struct msghdr){.msg_iov = &io[k], .msg_iovlen = 1};
        *at += PACKET_HEAD + len;
    }
    return k;
}

int main(int argc, char **argv)
{
    struct mmsghdr messages[BATCH];
    struct iovec pieces[BATCH];
    struct stat st;
    if (argc != 4) {
        fprintf(stderr, "usage: send FILE DEVICE PACKETS-A-SECOND\n");
        return 2;
    }
    int file = open(argv[1], O_RDONLY), fd = open_device(argv[2]);
    double rate = strtod(argv[3], NULL);
    if (file < 0 || fstat(file, &st) != 0) die(argv[1]);
    size_t n = (size_t)st.st_size, at = FILE_HEAD;
    const uint8_t *p = mmap(NULL, n, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
    if (p == MAP_FAILED) die(argv[1]);
    uint64_t sent = 0, refused = 0;
    double began = seconds();
    for (unsigned k; (k = fill(messages, pieces, p, n, &at)) > 0; sent += k) {
        while (seconds() < began + (double)sent / rate) { /* sleeping is too coarse */
        }
        for (unsigned done = 0; done < k;) {
            int got = sendmmsg(fd, messages + done, k - done, 0);
            if (got > 0) {
                done += (unsigned)got;
            } else if (errno == ENOBUFS || errno == EAGAIN || errno == EINTR) {
                refused++;
            } else {
                die("sendmmsg");
            }
        }
    }
    printf("%llu %.6f %llu\n", (unsigned long long)sent, seconds() - began,
           (unsigned long long)refused);
    return 0;
}
