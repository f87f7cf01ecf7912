import { LocalGateway, sampleMessage, sampleUser } from "@gangway/gateway/testing";
import type { LocalGatewayOptions } from "@gangway/gateway/testing";
import { assert, assertEquals } from "@std/assert";
import { test } from "./harness.ts";
import { bareClient, identify } from "./local_gateway_client.ts";
import type { BareClient, Payload } from "./local_gateway_client.ts";

type Data = Record<string, unknown>;

async function ready(gateway: LocalGateway, overrides: Data = {}): Promise<BareClient> {
  const client = await bareClient(gateway);
  client.send(2, identify(gateway, overrides));
  await client.takeEvent("READY");
  return client;
}

/** What a client received up to now: a heartbeat's ACK comes after all of it. */
async function settled(client: BareClient): Promise<Payload[]> {
  client.send(1, client.payloads.findLast(({ s }) => typeof s === "number")?.s ?? null);
  await client.take(11);
  return client.payloads;
}

async function names(client: BareClient): Promise<(string | null | undefined)[]> {
  return (await settled(client)).filter(({ op }) => op === 0).map(({ t }) => t).filter((name) => name !== "READY");
}

test("LocalGateway.emit routes events by guild, and those without a guild to shard 0", async () => {
  await using gateway = await LocalGateway.start({ guilds: 4, maxConcurrency: 2 });
  const intents = 1 << 9 | 1 << 12;
  const clients = [
    await ready(gateway, { intents, shard: [0, 2] }),
    await ready(gateway, { intents, shard: [1, 2] }),
  ];
  for (const [index, { id }] of gateway.guilds.entries()) {
    const message = sampleMessage(sampleUser("Ann"), "1", `${index}`, { guild_id: id });
    assertEquals(gateway.emit("MESSAGE_CREATE", message), 1);
  }
  assertEquals(gateway.emit("MESSAGE_CREATE", sampleMessage(sampleUser("Ann"), "1", "direct")), 1);
  gateway.emit("MADE_UP", { x: 1 }, { shardId: 1 });
  const contents: unknown[] = [];
  for (const client of clients) {
    const dispatches = (await settled(client)).filter(({ op, t }) => op === 0 && t !== "READY");
    contents.push(dispatches.map(({ d, t }) => t === "MADE_UP" ? t : (d as Data).content));
    assertEquals(dispatches.map(({ s }) => s), dispatches.map((_, index) => index + 2));
  }
  // The content of the guild's messages is hidden without MESSAGE_CONTENT.
  assertEquals(contents, [["", "", "direct"], ["", "", "MADE_UP"]]);
});

test("LocalGateway.emit serves several sessions of one shard and of other shard counts", async () => {
  await using gateway = await LocalGateway.start({ guilds: 2, identifyWindowMs: 0 });
  await ready(gateway, { intents: 1 << 9, shard: [0, 1] });
  await ready(gateway, { intents: 1 << 9, shard: [0, 1] });
  await ready(gateway, { intents: 1 << 9, shard: [1, 2] });
  const guildId = gateway.guilds[1]?.id ?? "";
  assertEquals(gateway.emit("MESSAGE_DELETE", { id: "1", channel_id: "1", guild_id: guildId }), 3);
});

test("LocalGateway.emit filters by intents", async () => {
  const events: [string, Data, number][] = [
    ["MESSAGE_CREATE", { guild_id: "1" }, 1 << 9],
    ["MESSAGE_CREATE", {}, 1 << 12],
    ["TYPING_START", { guild_id: "1" }, 1 << 11],
    ["TYPING_START", {}, 1 << 14],
    ["MESSAGE_REACTION_ADD", { guild_id: "1" }, 1 << 10],
    ["MESSAGE_REACTION_ADD", {}, 1 << 13],
    ["GUILD_MEMBER_ADD", { guild_id: "1" }, 1 << 1],
    ["GUILD_ROLE_CREATE", { guild_id: "1" }, 1 << 0],
    ["GUILD_BAN_ADD", { guild_id: "1" }, 1 << 2],
    ["GUILD_STICKERS_UPDATE", { guild_id: "1" }, 1 << 3],
    ["INTEGRATION_UPDATE", { guild_id: "1" }, 1 << 4],
    ["WEBHOOKS_UPDATE", { guild_id: "1" }, 1 << 5],
    ["INVITE_DELETE", { guild_id: "1" }, 1 << 6],
    ["VOICE_STATE_UPDATE", { guild_id: "1" }, 1 << 7],
    ["PRESENCE_UPDATE", { guild_id: "1" }, 1 << 8],
    ["GUILD_SCHEDULED_EVENT_DELETE", { guild_id: "1" }, 1 << 16],
    ["AUTO_MODERATION_RULE_CREATE", { guild_id: "1" }, 1 << 20],
    ["AUTO_MODERATION_ACTION_EXECUTION", { guild_id: "1" }, 1 << 21],
    ["MESSAGE_POLL_VOTE_ADD", { guild_id: "1" }, 1 << 24],
    ["MESSAGE_POLL_VOTE_ADD", {}, 1 << 25],
  ];
  for (const [event, data, intent] of events) {
    await using gateway = new LocalGateway({ guilds: 0, identifyWindowMs: 0 });
    for (const intents of [intent, 53_608_447 & ~intent]) {
      const client = await bareClient(gateway, "", { memory: true });
      client.send(2, identify(gateway, { intents }));
      await client.takeEvent("READY");
    }
    assertEquals(gateway.emit(event as string, data), 1, `${event} ${JSON.stringify(data)}`);
    assertEquals(gateway.emit("INTERACTION_CREATE" as string, {}), 2);
    assertEquals(gateway.emit("CHANNEL_INFO" as string, { guild_id: "1" }), 2);
  }
});

test("LocalGateway hides content without MESSAGE_CONTENT, except where the bot is concerned", async () => {
  await using gateway = await LocalGateway.start();
  const client = await ready(gateway, { intents: 1 << 9 | 1 << 12 | 1 << 21 });
  const guildId = gateway.guilds[0]?.id ?? "";
  gateway.user("ann").says("hidden");
  gateway.user("ann").says("mention", { mentionsBot: true });
  gateway.user("ann").says("direct", { channelId: "1" });
  gateway.emit("MESSAGE_CREATE", sampleMessage(gateway.bot, "1", "own", { guild_id: guildId }));
  gateway.emit("MESSAGE_UPDATE" as string, { guild_id: guildId, content: "x", embeds: [{}], poll: {} });
  gateway.emit("AUTO_MODERATION_ACTION_EXECUTION" as string, { guild_id: guildId, content: "x", matched_content: "x" });
  const data = (await settled(client)).filter(({ op }) => op === 0).slice(1).map(({ d }) => d as Data);
  assertEquals(data.map(({ content }) => content), ["", "mention", "direct", "own", "", ""]);
  assertEquals([data[4]?.embeds, "poll" in (data[4] ?? {}), data[5]?.matched_content], [[], false, ""]);
});

test("LocalGateway.user is the same person each time, and types and says", async () => {
  await using gateway = await LocalGateway.start();
  const client = await ready(gateway);
  await client.takeEvent("GUILD_CREATE");
  gateway.user("Ann").types();
  const message = gateway.user("Ann").says("hi");
  const typing = (await client.takeEvent("TYPING_START")).d as Data;
  const said = (await client.takeEvent("MESSAGE_CREATE")).d as Data & { author: Data; member: Data };
  assertEquals([typing.user_id, said.author.id], [gateway.user("Ann").id, gateway.user("Ann").id]);
  assertEquals([said.id, said.guild_id, "user" in said.member], [message.id, gateway.guilds[0]?.id, false]);
});

async function asked(
  op: number,
  d: Data | ((guildId: string) => Data),
  options: LocalGatewayOptions = {},
  overrides: Data = {},
): Promise<{ dispatches: Payload[]; violations: readonly string[]; guildId: string }> {
  await using gateway = await LocalGateway.start(options);
  const guildId = gateway.guilds[0]?.id ?? "";
  const client = await ready(gateway, overrides);
  client.send(op, typeof d === "function" ? d(guildId) : d);
  const dispatches = (await settled(client)).filter(({ op, t }) => op === 0 && t !== "READY" && t !== "GUILD_CREATE");
  return { dispatches, violations: [...gateway.violations], guildId };
}

function dataOf(dispatches: Payload[]): Data[] {
  return dispatches.map(({ d }) => d as Data);
}

test("LocalGateway answers a full request for members in chunks of 1000", async () => {
  const request = (guild_id: string) => ({ guild_id, query: "", limit: 0, nonce: "n", presences: true });
  const { dispatches, violations } = await asked(8, request, { guilds: [{ memberCount: 2500 }] });
  const chunks = dataOf(dispatches);
  assertEquals(chunks.map(({ chunk_index, chunk_count, nonce }) => [chunk_index, chunk_count, nonce]), [
    [0, 3, "n"],
    [1, 3, "n"],
    [2, 3, "n"],
  ]);
  assertEquals(chunks.map(({ members }) => (members as unknown[]).length), [1000, 1000, 500]);
  assertEquals(chunks.map(({ presences }) => (presences as unknown[]).length), [1000, 1000, 500]);
  assert(chunks.every((chunk) => !("not_found" in chunk)));
  assertEquals(violations, []);
});

test("LocalGateway limits full requests for members to one per guild in 30 seconds", async () => {
  await using gateway = await LocalGateway.start({ identifyWindowMs: 0 });
  const guildId = gateway.guilds[0]?.id ?? "";
  const request = { guild_id: guildId, query: "", limit: 0, nonce: "n" };
  const first = await ready(gateway);
  first.send(8, request);
  await first.takeEvent("GUILD_MEMBERS_CHUNK");
  const second = await ready(gateway);
  second.send(8, request);
  const limited = (await second.takeEvent("RATE_LIMITED")).d as Data;
  assertEquals([limited.opcode, limited.meta], [8, { guild_id: guildId, nonce: "n" }]);
  assert((limited.retry_after as number) > 0 && (limited.retry_after as number) <= 30);
  second.send(8, { guild_id: guildId, query: "member", limit: 1 });
  const chunk = (await second.takeEvent("GUILD_MEMBERS_CHUNK")).d as { members: unknown[] };
  assertEquals(chunk.members.length, 1);
});

test("LocalGateway answers a request for members by id with not_found, numbers where they were no snowflakes", async () => {
  const { dispatches, guildId } = await asked(8, (guild_id) => {
    const known = (BigInt(guild_id) + 1n).toString();
    return { guild_id, user_ids: [known, "123123", "18446744073709551615"] };
  });
  const [chunk] = dataOf(dispatches);
  assertEquals(chunk?.not_found, [123123, "18446744073709551615"]);
  const [member] = chunk?.members as { user: Data }[];
  assertEquals(member?.user.id, (BigInt(guildId) + 1n).toString());
});

test("LocalGateway drops a nonce of more than 32 bytes", async () => {
  const nonce = "é".repeat(17);
  const { dispatches, violations } = await asked(8, (guild_id) => ({ guild_id, query: "m", limit: 0, nonce }));
  assertEquals("nonce" in (dataOf(dispatches)[0] ?? {}), false);
  assertEquals(violations.length, 1);
});

test("LocalGateway is silent about members without the intent and of other guilds", async () => {
  const full = { query: "", limit: 0 };
  assertEquals((await asked(8, (guild_id) => ({ guild_id, ...full }), {}, { intents: 1 })).dispatches, []);
  assertEquals((await asked(8, { guild_id: "1", ...full })).dispatches, []);
});

test("LocalGateway shuffles and loses chunks when told to", async () => {
  await using gateway = await LocalGateway.start({ guilds: [{ memberCount: 9000 }], chunkOrder: "shuffled", seed: 7 });
  const client = await ready(gateway);
  gateway.loseChunks(2);
  client.send(8, { guild_id: gateway.guilds[0]?.id, query: "", limit: 0 });
  const chunks = (await settled(client)).filter(({ t }) => t === "GUILD_MEMBERS_CHUNK").map(({ d }) => d as Data);
  const order = chunks.map(({ chunk_index: index }) => index as number);
  assertEquals(order.length, 7);
  assert(JSON.stringify(order) !== JSON.stringify(order.toSorted((one, other) => one - other)));
});

test("LocalGateway answers op 4, 31 and 43, and takes op 3", async () => {
  const voice = { self_mute: false, self_deaf: false };
  const joined = await asked(4, (guild_id) => ({ guild_id, channel_id: "5", ...voice }));
  assertEquals(joined.dispatches.map(({ t }) => t), ["VOICE_STATE_UPDATE", "VOICE_SERVER_UPDATE"]);
  const left = await asked(4, (guild_id) => ({ guild_id, channel_id: null, ...voice }));
  assertEquals(left.dispatches.map(({ t }) => t), ["VOICE_STATE_UPDATE"]);
  const sounds = await asked(31, (guildId) => ({ guild_ids: [guildId, "1"] }));
  assertEquals(sounds.dispatches.map(({ t, d }) => [t, (d as Data).guild_id]), [["SOUNDBOARD_SOUNDS", sounds.guildId]]);
  const info = await asked(43, (guild_id) => ({ guild_id, fields: ["status"] }));
  const [channel] = dataOf(info.dispatches)[0]?.channels as Data[];
  assertEquals([info.dispatches[0]?.t, Object.keys(channel ?? {})], ["CHANNEL_INFO", ["id", "status"]]);
  const presence = await asked(3, { status: "idle", since: 1, afk: false, activities: [] });
  assertEquals([presence.dispatches, presence.violations], [[], []]);
});

for (
  const [op, d] of [
    [3, { status: "here", since: null, afk: false, activities: [] }],
    [4, { guild_id: "1", channel_id: 5, self_mute: false, self_deaf: false }],
    [8, { guild_id: "1" }],
    [8, { guild_id: "1", query: "x" }],
    [31, { guild_ids: "1" }],
    [43, { guild_ids: ["1"], fields: [] }],
  ] as const
) {
  test(`LocalGateway closes op ${op} with ${JSON.stringify(d)} with 4001`, async () => {
    await using gateway = await LocalGateway.start();
    const client = await ready(gateway);
    client.send(op, d);
    assertEquals((await client.closed).code, 4001);
  });
}

test("LocalGateway lists members in GUILD_CREATE by presences intent and large threshold", async () => {
  const counts: [number, boolean][] = [];
  for (
    const overrides of [
      { intents: 1 << 0 | 1 << 1 },
      { intents: 1 << 0 | 1 << 8, large_threshold: 60 },
      { intents: 1 << 0 | 1 << 8, large_threshold: 10 },
    ]
  ) {
    await using gateway = await LocalGateway.start({ guilds: [{ memberCount: 60 }] });
    const client = await ready(gateway, overrides);
    const { d } = await client.takeEvent("GUILD_CREATE");
    const guild = d as { members: unknown[]; large: boolean };
    counts.push([guild.members.length, guild.large]);
  }
  // A threshold of 10 is clamped to 50: of 60 members, the bot and every fourth are online.
  assertEquals(counts, [[1, true], [60, false], [15, true]]);
});

test("LocalGateway records heartbeats that name a wrong sequence number", async () => {
  await using gateway = await LocalGateway.start();
  const client = await ready(gateway);
  assertEquals((await names(client)).at(-1), "GUILD_CREATE");
  assertEquals(gateway.violations, []);
  for (const sequence of [3, 2, 1]) client.send(1, sequence);
  for (let count = 0; count < 3; count++) await client.take(11);
  assertEquals(gateway.violations.length, 3);
});
