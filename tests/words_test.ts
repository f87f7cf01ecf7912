import { assertEquals } from "@std/assert";
import { GatewayCloseCodes, GatewayIntentBits, GatewayOpcodes } from "discord-api-types/v10";
import { GatewayCloseCode } from "../lib/close_code.ts";
import { GatewayIntent } from "../lib/intent.ts";
import { GatewayOpcode } from "../lib/opcode.ts";
import { test } from "./harness.ts";

/** The members of an enum, without the way back from numbers to names. */
function membersOf(words: Readonly<Record<string, string | number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(words).flatMap(([name, value]) => typeof value === "number" ? [[name, value]] : []),
  );
}

test("GatewayOpcode has the opcodes that discord-api-types has", () => {
  assertEquals<Record<string, number>>(GatewayOpcode, membersOf(GatewayOpcodes));
});

test("GatewayCloseCode has the close codes that discord-api-types has, with abbreviations written as words", () => {
  const { InvalidAPIVersion: InvalidApiVersion, ...others } = membersOf(GatewayCloseCodes);
  assertEquals<unknown>(GatewayCloseCode, { ...others, InvalidApiVersion });
});

test("GatewayIntent has the intents that discord-api-types has, but for the names that are deprecated", () => {
  const { GuildBans: _guildBans, GuildEmojisAndStickers: _guildEmojis, ...others } = membersOf(GatewayIntentBits);
  assertEquals<Record<string, number>>(GatewayIntent, others);
});

test("GatewayIntent adds up to all bits that the documentation defines", () => {
  const values: number[] = Object.values(GatewayIntent);
  assertEquals(values.length, 21);
  assertEquals(values.reduce((all, bit) => all | bit, 0), 53_608_447);
  const { GuildMembers, GuildPresences, MessageContent } = GatewayIntent;
  assertEquals(53_608_447 & ~(GuildMembers | GuildPresences | MessageContent), 53_575_421);
});
