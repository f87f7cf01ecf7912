import { assertEquals, assertThrows } from "@std/assert";
import { ActivityType, PresenceUpdateStatus } from "discord-api-types/v10";
import { given } from "../lib/check.ts";
import {
  type ChannelInfoField,
  channelInfoPayload,
  presencePayload,
  soundboardSoundsPayload,
  voiceStatePayload,
} from "../lib/command_data.ts";
import type { PresenceUpdateData, VoiceStateUpdateData } from "../lib/payload.ts";
import { test } from "./harness.ts";

const GUILD = "197038439483310086";
const CHANNEL = "41771983423143937";
const VOICE: VoiceStateUpdateData = { guild_id: GUILD, channel_id: CHANNEL, self_mute: false, self_deaf: true };

const CHESS = { name: "chess", type: ActivityType.Playing };

/** What is not an id. */
const NO_IDS = ["x", "", 7, 7n, undefined, {}];

test("presencePayload is op 3 with all four fields", () => {
  const activities = [{ name: "chess", type: ActivityType.Playing }];
  const presence: PresenceUpdateData = { status: PresenceUpdateStatus.Idle, activities, afk: true, since: 91_879_201 };
  assertEquals(presencePayload(presence), { op: 3, d: { since: 91_879_201, activities, status: "idle", afk: true } });
});

test("presencePayload fills in what may be left out", () => {
  const presence = { status: "online", activities: [] } as unknown as PresenceUpdateData;
  assertEquals(presencePayload(presence), { op: 3, d: { since: null, activities: [], status: "online", afk: false } });
});

test("presencePayload takes activities with and without what may be left out", () => {
  const activities = [CHESS, { ...CHESS, state: null, url: null }, {
    ...CHESS,
    state: "lost",
    url: "https://a.example",
  }];
  const presence = { status: PresenceUpdateStatus.Online, activities, afk: false, since: null } as PresenceUpdateData;
  assertEquals((presencePayload(presence).d as PresenceUpdateData).activities, activities);
});

test("presencePayload takes every status there is", () => {
  for (const status of Object.values(PresenceUpdateStatus)) {
    assertEquals(
      (presencePayload({ status, activities: [], afk: false, since: null }).d as PresenceUpdateData).status,
      status,
    );
  }
});

test("presencePayload rejects a presence that is none", () => {
  const cases: [unknown, string][] = [
    [null, "status must be one of online, dnd, idle, invisible, offline, received undefined"],
    [undefined, "status must be one of online, dnd, idle, invisible, offline, received undefined"],
    [{ activities: [] }, "status must be one of online, dnd, idle, invisible, offline, received undefined"],
    [
      { activities: [], status: "busy" },
      'status must be one of online, dnd, idle, invisible, offline, received "busy"',
    ],
    [{ status: "online" }, "activities must be an array, received undefined"],
    [{ status: "online", activities: "chess" }, 'activities must be an array, received "chess"'],
    [{ status: "online", activities: [null] }, "activities[0] must be an object, received null"],
    [{ status: "online", activities: [5] }, "activities[0] must be an object, received 5"],
    [{ status: "online", activities: [CHESS, {}] }, "activities[1].name must be a string, received undefined"],
    [{ status: "online", activities: [{ name: "chess" }] }, "activities[0].type must be a whole number"],
    [{ status: "online", activities: [{ ...CHESS, type: 0.5 }] }, "activities[0].type must be a whole number"],
    [{ status: "online", activities: [{ ...CHESS, state: 5 }] }, "activities[0].state must be a string, received 5"],
    [
      { status: "online", activities: [{ ...CHESS, url: {} }] },
      "activities[0].url must be a string, received an object",
    ],
    [{ status: "online", activities: [], afk: "yes" }, 'afk must be a boolean, received "yes"'],
    [{ status: "online", activities: [], since: "now" }, 'since must be a number or null, received "now"'],
  ];
  for (const [presence, message] of cases) {
    assertThrows(
      () => presencePayload(presence as PresenceUpdateData),
      TypeError,
      `Cannot update the presence: ${message}`,
    );
  }
});

test("voiceStatePayload is op 4 with all four fields, where null leaves the channel", () => {
  assertEquals(voiceStatePayload(VOICE), { op: 4, d: VOICE });
  assertEquals(voiceStatePayload({ ...VOICE, channel_id: null }).d, { ...VOICE, channel_id: null });
});

test("voiceStatePayload sends nothing but its fields", () => {
  const update = { ...VOICE, self_video: true } as VoiceStateUpdateData;
  assertEquals(voiceStatePayload(update).d, VOICE);
});

test("voiceStatePayload rejects ids that are none", () => {
  for (const value of NO_IDS) {
    for (const name of ["guild_id", "channel_id"]) {
      assertThrows(
        () => voiceStatePayload({ ...VOICE, [name]: value }),
        TypeError,
        `Cannot update the voice state: ${name} must be a snowflake, received ${given(value)}`,
      );
    }
  }
  assertThrows(() => voiceStatePayload({ ...VOICE, guild_id: null as unknown as string }), TypeError, "guild_id");
  assertThrows(
    () => voiceStatePayload(null as unknown as VoiceStateUpdateData),
    TypeError,
    "guild_id must be a snowflake",
  );
});

test("voiceStatePayload rejects what is neither true nor false", () => {
  for (const name of ["self_mute", "self_deaf"]) {
    for (const value of [undefined, null, 0, "true"]) {
      assertThrows(
        () => voiceStatePayload({ ...VOICE, [name]: value }),
        TypeError,
        `Cannot update the voice state: ${name} must be a boolean, received ${given(value)}`,
      );
    }
  }
});

test("soundboardSoundsPayload is op 31 with the ids", () => {
  assertEquals(soundboardSoundsPayload([GUILD, "1"]), { op: 31, d: { guild_ids: [GUILD, "1"] } });
});

test("soundboardSoundsPayload rejects anything but an array of ids", () => {
  for (const value of [GUILD, undefined, null]) {
    assertThrows(
      () => soundboardSoundsPayload(value as unknown as string[]),
      TypeError,
      `Cannot request soundboard sounds: guildIds must be an array, received ${given(value)}`,
    );
  }
  assertThrows(() => soundboardSoundsPayload([]), TypeError, "must be an array of ids, received an empty array");
  for (const value of NO_IDS) {
    assertThrows(
      () => soundboardSoundsPayload([GUILD, value as string]),
      TypeError,
      `Cannot request soundboard sounds: guildIds must be a snowflake, received ${given(value)}`,
    );
  }
});

test("channelInfoPayload is op 43 with one guild and the fields", () => {
  assertEquals(channelInfoPayload(GUILD, ["status"]), { op: 43, d: { guild_id: GUILD, fields: ["status"] } });
  assertEquals(channelInfoPayload(GUILD, ["voice_start_time", "status"]).d, {
    guild_id: GUILD,
    fields: ["voice_start_time", "status"],
  });
});

test("channelInfoPayload rejects a guild that is none and fields that nobody knows", () => {
  for (const value of NO_IDS) {
    assertThrows(
      () => channelInfoPayload(value as string, ["status"]),
      TypeError,
      `Cannot request channel info: guildId must be a snowflake, received ${given(value)}`,
    );
  }
  const cases: [unknown, string][] = [
    [[], "an array of names, received an empty array"],
    [["topic"], 'one of status, voice_start_time, received "topic"'],
    [["status", "topic"], 'one of status, voice_start_time, received "topic"'],
    ["status", 'an array, received "status"'],
    [undefined, "an array, received undefined"],
    [null, "an array, received null"],
  ];
  for (const [fields, message] of cases) {
    assertThrows(
      () => channelInfoPayload(GUILD, fields as ChannelInfoField[]),
      TypeError,
      `Cannot request channel info: fields must be ${message}`,
    );
  }
});
