/* SPDX-License-Identifier: MIT
 *
 * In: a link type by one of its numbers. Out: the other one, or its name.
 * Refuses nothing: a number without a row is the same on both sides, as in libpcap.
 */
#include "linktype.h"

#include <pcap/pcap.h>
#include <stdio.h>

/* https://www.tcpdump.org/linktypes.html; the DLT_ side comes from this system's headers. */
static const struct {
    int dlt;
    uint32_t link_type;
} map[] = {
    {DLT_ATM_RFC1483, 100}, {DLT_RAW, 101},      {DLT_SLIP_BSDOS, 102}, {DLT_PPP_BSDOS, 103},
    {DLT_C_HDLC, 104},      {DLT_ATM_CLIP, 106}, {DLT_PPP_SERIAL, 50},  {DLT_PPP_ETHER, 51},
    {DLT_PFSYNC, 246},      {DLT_PKTAP, 258},
};
#define ROWS (sizeof map / sizeof map[0])

uint32_t wst_linktype_of_dlt(int dlt)
{
    for (size_t i = 0; i < ROWS; i++)
        if (map[i].dlt == dlt) return map[i].link_type;
    return wst_linktype_of_file((uint32_t)dlt);
}

int wst_linktype_to_dlt(uint32_t link_type)
{
    for (size_t i = 0; i < ROWS; i++)
        if (map[i].link_type == link_type) return map[i].dlt;
    return (int)link_type;
}

uint32_t wst_linktype_of_file(uint32_t link_type)
{
    return link_type == 12 || link_type == 14 ? 101 : link_type;
}

const char *wst_linktype_name(uint32_t link_type, char text[64])
{
    const char *name = pcap_datalink_val_to_name(wst_linktype_to_dlt(link_type));
    if (name)
        snprintf(text, 64, "%s", name);
    else
        snprintf(text, 64, "LINKTYPE_%u", (unsigned)link_type);
    return text;
}
