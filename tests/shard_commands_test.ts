import {
  type PresenceUpdateData,
  type SendOptions,
  Shard,
  TimesPer,
  type VoiceStateUpdateData,
} from "@gangway/gateway";
import { PresenceUpdateStatus } from "discord-api-types/v10";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
} from "@std/assert";
import { test } from "./harness.ts";
import { ALL_INTENTS, connectedRig, fakeTime, fixedRandom, type Rig, rig } from "./shard_rig.ts";

function presenceOf(status: PresenceUpdateStatus): PresenceUpdateData {
  return { since: null, afk: false, status: status as PresenceUpdateStatus.Idle, activities: [] };
}

function voiceOf(guild_id: string, channel_id: string | null, self_mute = false): VoiceStateUpdateData {
  return { guild_id, channel_id, self_mute, self_deaf: false };
}

/** What the gateway received, without what the protocol itself asks for. */
function commandsIn({ gateway }: Rig): { op: number; d: unknown }[] {
  return gateway.received.filter(({ op }) => ![1, 2, 6].includes(op)).map(({ op, d }) => ({ op, d }));
}

function guildOf({ gateway }: Rig) {
  const [guild] = gateway.guilds;
  assert(guild !== undefined);
  const voice = guild.channels.find(({ type }) => type as number === 2);
  assert(voice !== undefined);
  return { guildId: guild.id, voiceId: voice.id };
}

test("Shard keeps commands until it is ready, in order", async () => {
  await using it = await rig();
  const { shard } = it;
  const { guildId } = guildOf(it);
  const sent = [
    shard.requestSoundboardSounds([guildId]),
    shard.requestChannelInfo(guildId, ["status"]),
    shard.presenceUpdate(presenceOf(PresenceUpdateStatus.Online)),
  ];
  await it.up();
  await Promise.all(sent);
  await it.roundTrip();
  assertEquals(commandsIn(it).map(({ op }) => op), [31, 43, 3]);
});

test("Shard keeps commands over a reconnect, until RESUMED or until the READY of a new session", async () => {
  for (const code of [4000, 4009]) {
    using _ = fixedRandom();
    await using it = await connectedRig();
    const { shard, gateway } = it;
    const lost = shard.dispatcher.waitFor("disconnect");
    gateway.disconnect(code);
    await lost;
    await shard.requestSoundboardSounds([guildOf(it).guildId]);
    assertEquals(shard.phase, "ready");
    await shard.eventDispatcher.waitFor("SOUNDBOARD_SOUNDS" as string);
    assertEquals(commandsIn(it).length, 1);
  }
});

test("Shard takes a command back with its signal, and rejects with its reason", async () => {
  await using it = await rig();
  const { shard } = it;
  const { guildId } = guildOf(it);
  const controller = new AbortController();
  const { signal } = controller;
  const commands = (options: SendOptions) => [
    shard.presenceUpdate(presenceOf(PresenceUpdateStatus.Idle), options),
    shard.voiceStateUpdate(voiceOf(guildId, null), options),
    shard.requestSoundboardSounds([guildId], options),
    shard.requestChannelInfo(guildId, ["status"], options),
  ];
  const reason = new Error("Changed my mind");
  const waiting = commands({ signal });
  controller.abort(reason);
  for (const command of [...waiting, ...commands({ signal })]) {
    assertStrictEquals(await command.catch((error) => error), reason);
  }
  await it.up();
  await shard.requestSoundboardSounds([guildId], { signal: new AbortController().signal });
  await it.roundTrip();
  assertEquals(commandsIn(it).length, 1);
});

test("Shard sends the last of several presences, and of several voice states of a guild, that wait", async () => {
  await using it = await rig({ gateway: { guilds: 2 } });
  const { shard, gateway } = it;
  const [first, second] = gateway.guilds.map(({ id }) => id) as [string, string];
  const sent = [
    shard.presenceUpdate(presenceOf(PresenceUpdateStatus.Idle)),
    shard.voiceStateUpdate(voiceOf(first, null)),
    shard.voiceStateUpdate(voiceOf(second, null)),
    shard.presenceUpdate(presenceOf(PresenceUpdateStatus.DoNotDisturb)),
    shard.voiceStateUpdate(voiceOf(first, null, true)),
  ];
  await it.up();
  await Promise.all(sent);
  await it.roundTrip();
  assertEquals(commandsIn(it), [
    { op: 3, d: presenceOf(PresenceUpdateStatus.DoNotDisturb) },
    { op: 4, d: voiceOf(first, null, true) },
    { op: 4, d: voiceOf(second, null) },
  ]);
});

test("Shard.voiceStateUpdate brings the voice state and the voice server", async () => {
  await using it = await connectedRig();
  const { shard } = it;
  const { guildId, voiceId } = guildOf(it);
  const state = shard.eventDispatcher.waitFor("VOICE_STATE_UPDATE");
  const server = shard.eventDispatcher.waitFor("VOICE_SERVER_UPDATE");
  await shard.voiceStateUpdate(voiceOf(guildId, voiceId, true));
  assertEquals([(await state).channel_id, (await state).self_mute, (await server).guild_id], [voiceId, true, guildId]);
  const left = shard.eventDispatcher.waitFor("VOICE_STATE_UPDATE");
  await shard.voiceStateUpdate(voiceOf(guildId, null));
  assertEquals((await left).channel_id, null);
});

test("Shard.requestSoundboardSounds brings sounds for each guild", async () => {
  await using it = await connectedRig({ gateway: { guilds: 2 } });
  const ids = it.gateway.guilds.map(({ id }) => id);
  const answers: string[] = [];
  it.shard.eventDispatcher.listen("SOUNDBOARD_SOUNDS", ({ guild_id }) => answers.push(guild_id));
  await it.shard.requestSoundboardSounds(ids);
  await it.roundTrip();
  assertEquals(answers, ids);
});

test("Shard.requestChannelInfo brings the fields that were asked for", async () => {
  await using it = await connectedRig();
  const { guildId, voiceId } = guildOf(it);
  const info = it.shard.eventDispatcher.waitFor("CHANNEL_INFO" as string);
  await it.shard.requestChannelInfo(guildId, ["status", "voice_start_time"]);
  assertEquals(await info, { guild_id: guildId, channels: [{ id: voiceId, status: null, voice_start_time: null }] });
});

test("Shard rejects commands that are not right, naming what it was given, and sends nothing", async () => {
  await using it = await connectedRig();
  const { shard } = it;
  const wrong = (value: unknown) => value as never;
  const cases: [() => Promise<void>, string][] = [
    [() => shard.presenceUpdate(wrong({ status: "away", activities: [] })), '"away"'],
    [() => shard.presenceUpdate(wrong({ status: "idle", activities: "chess" })), '"chess"'],
    [() => shard.presenceUpdate(wrong(undefined)), "undefined"],
    [() => shard.voiceStateUpdate(voiceOf("guild", null)), '"guild"'],
    [() => shard.voiceStateUpdate(voiceOf("1", wrong(2))), "2"],
    [() => shard.voiceStateUpdate(voiceOf("1", null, wrong("yes"))), '"yes"'],
    [() => shard.voiceStateUpdate(wrong(null)), "undefined"],
    [() => shard.requestSoundboardSounds([]), "an empty array"],
    [() => shard.requestSoundboardSounds(["1", "two"]), '"two"'],
    [() => shard.requestSoundboardSounds(wrong("1")), '"1"'],
    [() => shard.requestChannelInfo("1", []), "an empty array"],
    [() => shard.requestChannelInfo("1", [wrong("topic")]), "one of status, voice_start_time"],
    [() => shard.requestChannelInfo(wrong(1), ["status"]), "1"],
    [() => shard.voiceStateUpdate(voiceOf(wrong(1n), null)), "1n"],
    [() => shard.voiceStateUpdate(voiceOf(wrong(Symbol("guild")), null)), "a symbol"],
    [() => shard.requestSoundboardSounds([wrong(1n)]), "1n"],
    [() => shard.requestSoundboardSounds(wrong(Symbol("guild"))), "guildIds"],
    [() => shard.requestChannelInfo(wrong(Symbol("guild")), ["status"]), "a symbol"],
  ];
  for (const [command, given] of cases) await assertRejects(command, TypeError, given);
  await it.roundTrip();
  assertEquals(commandsIn(it), []);
});

test("Shard rejects what is larger than 4096 bytes with both sizes, before it is sent", async () => {
  await using it = await connectedRig();
  const { shard } = it;
  const ids = Array.from({ length: 200 }, (_, index) => `${10n ** 18n + BigInt(index)}`);
  const bytes = JSON.stringify({ op: 31, d: { guild_ids: ids } }).length;
  const error = await assertRejects(() => shard.requestSoundboardSounds(ids), RangeError, `${bytes} bytes`);
  assertStringIncludes(error.message, "4096");
  await it.roundTrip();
  assertEquals(commandsIn(it), []);
});

test("Shard measures what it sends in bytes, not in characters, and sends up to 4096 of them", async () => {
  await using it = await connectedRig();
  const { shard, gateway } = it;
  const { guildId } = guildOf(it);
  const nonce = "n";
  const payload = (query: string) => ({ op: 8, d: { guild_id: guildId, nonce, query, limit: 1 } });
  const rest = 4096 - JSON.stringify(payload("")).length;
  const query = "ü".repeat(Math.floor(rest / 2)) + "x".repeat(rest % 2);
  assertEquals(await shard.requestGuildMembers(guildId, { query, limit: 1, nonce }), []);
  assertEquals(gateway.received.filter(({ op }) => op === 8).map(({ bytes }) => bytes), [4096]);
  const tooLong = await shard.requestGuildMembers(guildId, { query: `${query}x`, limit: 1, nonce })
    .then(() => null, (error) => error);
  assertInstanceOf(tooLong, RangeError);
  assertStringIncludes(tooLong.message, "4097");
});

test("Shard rejects commands that wait when it is closed, and those that come later", async () => {
  await using it = await rig();
  const { shard } = it;
  const waiting = shard.requestSoundboardSounds(["1"]);
  await shard.close();
  assertEquals((await assertRejects(() => waiting, DOMException)).name, "AbortError");
  const late = await assertRejects(() => shard.presenceUpdate(presenceOf(PresenceUpdateStatus.Idle)), DOMException);
  assertEquals(late.name, "InvalidStateError");
  const connecting = shard.connect();
  await shard.requestSoundboardSounds([guildOf(it).guildId]);
  await connecting;
});

test("Shard rejects commands that wait with the critical error", async () => {
  await using it = await rig({ token: "wrong" });
  const waiting = it.shard.requestSoundboardSounds(["1"]);
  await it.shard.connect();
  assertEquals((await waiting.catch((error) => error)).name, "InvalidTokenError");
});

test("Shard sends 1,000 commands without ever exceeding the limit, with heartbeats on time", async () => {
  using time = fakeTime();
  using _ = fixedRandom(0.5);
  await using it = await rig({ memory: true, gateway: { heartbeatIntervalMs: 10_000 } });
  const { shard, gateway } = it;
  const start = Date.now();
  await shard.connect();
  await shard.ready;
  let sent = 0;
  for (let count = 0; count < 1_000; count++) void shard.requestSoundboardSounds(["1"]).then(() => sent++);
  await time.pass(1000);
  const atOnce = sent;
  for (const _ of [1, 2, 3]) {
    const beat = gateway.next("heartbeat");
    gateway.requestHeartbeat();
    await beat;
  }
  await time.pass(59_000);
  assertEquals(sent, atOnce);
  await time.pass(540_000);
  assertEquals(sent, 1_000);
  const beats = gateway.received.filter(({ op }) => op === 1).map(({ atMs }) => atMs - start);
  const scheduled = beats.filter((ms) => ms % 10_000 === 5000);
  assertEquals(scheduled, Array.from({ length: 60 }, (_, index) => 5000 + index * 10_000));
  assertEquals([beats.length, gateway.connections.length, gateway.closes.length], [63, 1, 0]);
  assert(atOnce > 90 && atOnce < 115);
});

test("Shard has a new send limit on each connection", async () => {
  using time = fakeTime();
  using _ = fixedRandom(0.5);
  await using it = await rig({ memory: true });
  const { shard, gateway } = it;
  await shard.connect();
  await shard.ready;
  let sent = 0;
  for (let count = 0; count < 200; count++) void shard.requestSoundboardSounds(["1"]).then(() => sent++);
  await time.pass(10);
  assert(sent < 120);
  gateway.reconnect();
  await time.pass(1000);
  assertEquals(sent, 200);
});

test("Shard that was never connected can be left with commands waiting", async () => {
  await using it = await rig();
  const shard = new Shard(0, 1, ALL_INTENTS, it.gateway.token, new TimesPer(1, 5), it.client);
  const waiting = shard.requestSoundboardSounds(["1"]);
  await shard.close();
  await assertRejects(() => waiting, DOMException);
});

test("Shard takes text with a lone surrogate wherever it takes text", async () => {
  await using it = await connectedRig();
  const { shard } = it;
  const { guildId } = guildOf(it);
  const name = "\ud800";
  await shard.presenceUpdate({ ...presenceOf(PresenceUpdateStatus.Idle), activities: [{ name, type: 0 }] });
  assertEquals(await shard.requestGuildMembers(guildId, { query: name, limit: 1, nonce: name }), []);
  await shard.close();
});

test("Shard identifies with the presence there was where an update was taken back before it was sent", async () => {
  using _ = fixedRandom();
  await using it = await connectedRig();
  const { shard, gateway } = it;
  const first = presenceOf(PresenceUpdateStatus.Idle);
  await shard.presenceUpdate(first);
  const lost = shard.dispatcher.waitFor("disconnect");
  gateway.disconnect(4009);
  await lost;
  const controller = new AbortController();
  const waiting = shard.presenceUpdate(presenceOf(PresenceUpdateStatus.DoNotDisturb), { signal: controller.signal });
  assertEquals(shard.presence?.status, PresenceUpdateStatus.DoNotDisturb);
  controller.abort();
  await assertRejects(() => waiting, DOMException);
  assertEquals(shard.presence, first);
  await shard.ready;
  assertEquals((gateway.identifies[1]?.d as { presence: unknown }).presence, first);
  // What was sent, or changed since, is not taken back.
  const later = new AbortController();
  await shard.presenceUpdate(presenceOf(PresenceUpdateStatus.Online), { signal: later.signal });
  later.abort();
  assertEquals(shard.presence?.status, PresenceUpdateStatus.Online);
});

test("Shard goes on remembering a presence update that was not sent before it was closed", async () => {
  await using it = await rig();
  const { shard } = it;
  const update = shard.presenceUpdate(presenceOf(PresenceUpdateStatus.DoNotDisturb));
  await shard.close();
  await assertRejects(() => update, DOMException);
  assertEquals(shard.presence?.status, PresenceUpdateStatus.DoNotDisturb);
});
