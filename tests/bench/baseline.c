/* SPDX-License-Identifier: MIT
 *
 * The least a reader of captures can do: libpcap hands over every packet, their bytes are counted.
 * stdio's own buffer, as every libpcap program has it that does nothing about it.
 */
#include <pcap/pcap.h>
#include <stdint.h>
#include <stdio.h>

static void count(u_char *user, const struct pcap_pkthdr *head, const u_char *data)
{
    (void)data;
    *(uint64_t *)(void *)user += head->caplen;
}

int main(int argc, char **argv)
{
    char error[PCAP_ERRBUF_SIZE] = "usage: baseline FILE";
    uint64_t bytes = 0;
    pcap_t *pcap = argc == 2 ? pcap_open_offline(argv[1], error) : NULL;
    if (!pcap) {
        fprintf(stderr, "%s\n", error);
        return 2;
    }
    int result = pcap_loop(pcap, -1, count, (u_char *)&bytes);
    printf("%llu\n", (unsigned long long)bytes);
    pcap_close(pcap);
    return result ? 2 : 0;
}
