// SPDX-License-Identifier: GPL-3.0-or-later
// Packets.
//
// A payload is its number four times over and bytes that follow from it, so that whatever is lost,
// doubled, mixed up or changed on the way is seen. Failure: what is no such packet is told as
// false.

#include "tests/ua/ua_rtp.h"

#include <stdlib.h>
#include <string.h>

#define HEADER 12
#define PAYLOAD (RTP_PACKET_LEN - HEADER)
#define PCMA 8
#define SENDER_REPORT 200
#define SEQ_FIRST 65500

static void put32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void put_payload(uint8_t payload[static PAYLOAD], uint32_t number)
{
    for (int i = 0; i < 4; i++)
        put32(payload + 4 * i, number);
    for (size_t i = 16; i < PAYLOAD; i++)
        payload[i] = (uint8_t)(number * 31 + i);
}

static void put_header(struct rtp_line *line, uint8_t packet[static HEADER])
{
    packet[0] = 0x80;
    packet[1] = PCMA;
    packet[2] = (uint8_t)(line->seq >> 8);
    packet[3] = (uint8_t)line->seq;
    put32(packet + 4, (uint32_t)line->sent * PAYLOAD);
    put32(packet + 8, line->ssrc);
    line->seq++;
    line->sent++;
}

void rtp_line_init(struct rtp_line *line)
{
    *line = (struct rtp_line){.ssrc = arc4random(), .seq = SEQ_FIRST};
}

void rtp_line_next(struct rtp_line *line, uint8_t packet[static RTP_PACKET_LEN])
{
    put_payload(packet + HEADER, (uint32_t)line->sent);
    put_header(line, packet);
}

void rtp_line_echo(struct rtp_line *line, const uint8_t *received,
                   uint8_t packet[static RTP_PACKET_LEN])
{
    memcpy(packet + HEADER, received + HEADER, PAYLOAD);
    put_header(line, packet);
}

void rtp_line_report(const struct rtp_line *line, uint8_t packet[static RTCP_PACKET_LEN])
{
    memset(packet, 0, RTCP_PACKET_LEN);
    packet[0] = 0x80;
    packet[1] = SENDER_REPORT;
    packet[3] = RTCP_PACKET_LEN / 4 - 1;
    put32(packet + 4, line->ssrc);
    put32(packet + 20, (uint32_t)line->sent);
}

bool rtp_line_receive(struct rtp_line *line, const uint8_t *packet, size_t len)
{
    uint8_t wanted[PAYLOAD];

    if (len < HEADER || packet[0] != 0x80 || rtp_is_rtcp(packet, len))
        return false;
    line->received++;
    if (len != RTP_PACKET_LEN) {
        line->different++;
        return true;
    }
    uint32_t number = get32(packet + HEADER);
    put_payload(wanted, number);
    line->different += memcmp(packet + HEADER, wanted, PAYLOAD) != 0;
    line->disorder += number < line->expected;
    line->expected = number + 1;
    return true;
}

bool rtp_is_rtcp(const uint8_t *packet, size_t len)
{
    return len > 1 && packet[1] >= 192 && packet[1] <= 223;
}
