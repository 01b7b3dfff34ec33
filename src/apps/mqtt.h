/* SPDX-License-Identifier: MIT
 *
 * MQTT, one packet at a time. In: a packet, of which the end may be missing. Out: what it says.
 * Refuses what no packet of that version and side can be: then nothing is said.
 */
#ifndef WST_APPS_MQTT_H
#define WST_APPS_MQTT_H

#include "buf.h"
#include "say.h"

/* 5.0 section 2.1.2; none has 0: what a CONNECT says of its Will. */
enum wst_mqtt_type {
    WST_MQTT_WILL,
    WST_MQTT_CONNECT,
    WST_MQTT_CONNACK,
    WST_MQTT_PUBLISH,
    WST_MQTT_PUBACK,
    WST_MQTT_PUBREC,
    WST_MQTT_PUBREL,
    WST_MQTT_PUBCOMP,
    WST_MQTT_SUBSCRIBE,
    WST_MQTT_SUBACK,
    WST_MQTT_UNSUBSCRIBE,
    WST_MQTT_UNSUBACK,
    WST_MQTT_PINGREQ,
    WST_MQTT_PINGRESP,
    WST_MQTT_DISCONNECT,
    WST_MQTT_AUTH
};

/* 5.0 section 3.3.2.3.4: numbers that a sender puts in the place of topics. */
enum { WST_MQTT_ALIASES = 32 }; /* brokers grant ten or so; of one more the topic is not told */
struct wst_mqtt_alias {
    uint16_t alias; /* 0: free */
    struct wst_buf topic;
};
struct wst_mqtt_aliases {
    struct wst_mqtt_alias *list; /* WST_MQTT_ALIASES of them, or NULL */
};
void wst_mqtt_aliases_free(struct wst_mqtt_aliases *aliases, struct wst_budget *budget);

struct wst_mqtt_packet {
    uint8_t first;         /* type and flags */
    struct wst_slice body; /* what follows the fixed header … */
    size_t missing;        /* … but for so many bytes at its end, which were not kept */
};

/* What is known where the packet stands. */
struct wst_mqtt_place {
    uint8_t *version; /* 3, 4, 5 as CONNECT numbers them; 0: not known. A CONNECT sets it */
    enum wst_dir dir;
    struct wst_mqtt_aliases *aliases; /* of its sender */
};

/* Whether it can be one. */
bool wst_mqtt_fits(struct wst_say *say, const struct wst_mqtt_place *place,
                   const struct wst_mqtt_packet *packet);
/* Says one that fits. */
void wst_mqtt_say(struct wst_say *say, const struct wst_mqtt_place *place,
                  const struct wst_mqtt_packet *packet);

#endif
