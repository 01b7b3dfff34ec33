/* SPDX-License-Identifier: MIT
 *
 * In: packets, and the secrets of the connections in them. Out: a pcapng that opens itself: before
 * the packet with which a connection is opened stands a block with its secrets, and no others are
 * in the file. Refuses comments and names of the original: they are not copied.
 *
 *     │ section │ interface │ packet │ … │ secrets │ packet │ …        (pcapng, as Wireshark reads
 * it)
 */
#include "say.h"
#include "sensitive.h"

#include <string.h>

enum { SECTION = 0x0a0d0d0a, INTERFACE = 1, PACKET = 6, SECRETS = 10 };

/* A block: type and length, the parts, padding, and the length again. Our byte order, which the
 * section's magic tells. */
static void put_block(struct wst_tool_sensitive *file, uint32_t type, const void *head,
                      size_t head_n, struct wst_slice body)
{
    static const uint8_t zeros[4];
    size_t padding = -body.n & 3;
    uint32_t front[2] = {type, (uint32_t)(12 + head_n + body.n + padding)};

    wst_tool_sensitive_put(file, front, sizeof front);
    wst_tool_sensitive_put(file, head, head_n);
    wst_tool_sensitive_put(file, body.p, body.n);
    wst_tool_sensitive_put(file, zeros, padding);
    wst_tool_sensitive_put(file, &front[1], 4);
}

int wst_tool_embed_open(struct wst_tool_sensitive *file, const char *name, const char *owner,
                        const char *const *inputs, size_t inputs_n)
{
    /* byte-order magic, version 1.0, length of the section unknown */
    const struct {
        uint32_t magic;
        uint16_t major, minor;
        uint32_t length[2];
    } section = {0x1a2b3c4d, 1, 0, {UINT32_MAX, UINT32_MAX}};
    size_t n = name ? strlen(name) : 0;
    int status =
        wst_tool_sensitive_open(file, name, owner, "a capture with its keys", inputs, inputs_n);

    if (status || file->buf == NULL) return status;
    if (n > 5 && strcmp(name + n - 5, ".pcap") == 0)
        wst_tool_say(
            "warning: %s will be a pcapng, whatever its name says: pcap files hold no keys", name);
    wst_tool_say("warning: %s will open itself to whoever has it; keep it as safe as the key log",
                 name);
    put_block(file, SECTION, &section, sizeof section, (struct wst_slice){NULL, 0});
    return 0;
}

/* Its number; interfaces are described when their first packet comes. -1: too many. */
static int interface_of(struct wst_tool_sensitive *file, const struct wst_packet *p)
{
    struct {
        uint16_t link_type, reserved;
        uint32_t snaplen;
        uint16_t option, length; /* if_tsresol */
        uint8_t resolution, padding[3];
        uint16_t end, end_length;
    } head = {(uint16_t)p->link_type, 0, 0, 9, 1, p->nanos ? 9 : 6, {0}, 0, 0};

    for (unsigned i = 0; i < file->interfaces_n; i++)
        if (file->interfaces[i].link_type == p->link_type && file->interfaces[i].nanos == p->nanos)
            return (int)i;
    if (file->interfaces_n == sizeof file->interfaces / sizeof *file->interfaces) return -1;
    file->interfaces[file->interfaces_n].link_type = p->link_type;
    file->interfaces[file->interfaces_n].nanos = p->nanos;
    put_block(file, INTERFACE, &head, sizeof head, (struct wst_slice){NULL, 0});
    return (int)file->interfaces_n++;
}

void wst_tool_embed_secrets(void *user, struct wst_slice lines)
{
    const uint32_t head[2] = {WST_CAPTURE_KEY_LOG, (uint32_t)lines.n};

    put_block(user, SECRETS, head, sizeof head, lines);
}

void wst_tool_embed_packet(struct wst_tool_sensitive *file, const struct wst_packet *p)
{
    int interface = interface_of(file, p);
    uint64_t ticks = (uint64_t)(p->nanos ? p->when.ns : p->when.ns / 1000);
    const uint32_t head[5] = {(uint32_t)interface, (uint32_t)(ticks >> 32), (uint32_t)ticks,
                              (uint32_t)p->data.n, p->wire_len};

    if (interface >= 0) put_block(file, PACKET, head, sizeof head, p->data);
}
