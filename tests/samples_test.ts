import * as testing from "@gangway/gateway/testing";
import { assertEquals, assertNotEquals } from "@std/assert";
import { test } from "./harness.ts";

const { sampleChannel, sampleComponentInteraction, sampleGuild, sampleInteraction, sampleMember, sampleMessage } =
  testing;
const { sampleModalSubmit, samplePresence, sampleReaction, sampleReady, sampleRole, sampleThread } = testing;
const { sampleTyping, sampleUser, sampleVoiceState } = testing;

const ann = sampleUser("Ann");
const place = { applicationId: "1", channelId: "2", guildId: "3" };

test("samples take overrides for every field", () => {
  assertEquals(sampleUser("Ann", { bot: true }).bot, true);
  assertEquals(sampleMember(ann, { nick: "A" }).nick, "A");
  assertEquals(sampleMessage(ann, "2", "hi", { pinned: true }).pinned, true);
  assertEquals(sampleTyping(ann, "2", { timestamp: 5 }).timestamp, 5);
  assertEquals(samplePresence("1", "3", { activities: [] }).guild_id, "3");
  assertEquals(sampleGuild("G", { large: true }).large, true);
  assertEquals(sampleRole("mods", { permissions: "8" }).permissions, "8");
  assertEquals(sampleVoiceState(ann.id, "3", null, { self_mute: true }).self_mute, true);
  assertEquals(sampleReaction(ann, sampleMessage(ann, "2", ""), "a:1", { burst: true }).burst, true);
  assertEquals(sampleReady(ann, { session_id: "s" }).session_id, "s");
  assertEquals(sampleChannel("general", { position: 4 }).guild_id.length > 0, true);
});

test("samples of one kind have ids of their own", () => {
  assertNotEquals(sampleUser("a").id, sampleUser("a").id);
  assertNotEquals(sampleMessage(ann, "2", "").id, sampleMessage(ann, "2", "").id);
  assertNotEquals(sampleChannel("a").id, sampleChannel("a").id);
  assertNotEquals(sampleRole("a").id, sampleRole("a").id);
});

test("samples carry the member where they are a guild's, and only there", () => {
  const inGuild = sampleMessage(ann, "2", "hi", { guild_id: "3" });
  const direct = sampleMessage(ann, "2", "hi");
  assertEquals(["member" in inGuild, "member" in direct], [true, false]);
  assertEquals(["member" in sampleReaction(ann, inGuild, "👍"), "member" in sampleReaction(ann, direct, "👍")], [
    true,
    false,
  ]);
  const command = sampleInteraction(ann, "ping", place);
  const whisper = sampleInteraction(ann, "ping", { ...place, guildId: undefined });
  assertEquals([command.member?.user.id, command.user, command.guild_id], [ann.id, undefined, "3"]);
  assertEquals([whisper.member, whisper.user?.id, whisper.guild_id], [undefined, ann.id, undefined]);
});

test("sampleThread belongs to its parent", () => {
  const parent = sampleChannel("general");
  const thread = sampleThread("help", parent);
  assertEquals([thread.parent_id, thread.guild_id], [parent.id, parent.guild_id]);
});

test("sampleComponentInteraction holds the message as Discord shows it, and what was chosen", () => {
  const message = sampleMessage(ann, "2", "?", { guild_id: "3" });
  const button = sampleComponentInteraction(ann, message, "yes", { applicationId: "1" });
  assertEquals<unknown>(button.data, { custom_id: "yes", component_type: 2, id: 1 });
  assertEquals([button.channel_id, button.guild_id, button.message.id], ["2", "3", message.id]);
  assertEquals("guild_id" in button.message, false);
  const menu = sampleComponentInteraction(ann, message, "size", {
    applicationId: "1",
    componentType: 3,
    values: ["L"],
  });
  assertEquals("values" in menu.data && menu.data.values, ["L"]);
});

test("sampleModalSubmit takes texts by custom id, or components as they are", () => {
  const submit = sampleModalSubmit(ann, "form", { name: "Ann" }, place);
  const components = [{ type: 1, components: [{ type: 4, custom_id: "name", value: "Ann" }] }];
  assertEquals<unknown>(submit.data, { custom_id: "form", components });
  const given = components as unknown as testing.SampleModalComponents;
  assertEquals<unknown>(sampleModalSubmit(ann, "form", given, place).data.components, components);
});
