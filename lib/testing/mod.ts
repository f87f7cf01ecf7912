/**
 * A faithful Discord in one process, to test bots and gateway clients against.
 *
 * {@linkcode LocalGateway} speaks the HTTP and the gateway API as far as a gateway client uses them. It enforces what
 * Discord enforces, records what clients send, and can be made to fail in every way networks and Discord do. It runs on
 * Deno and on Bun, binds to 127.0.0.1 only, and can be used without any socket.
 *
 * @example A client of three lines, and what the gateway says about it
 * ```ts
 * import { LocalGateway } from "@gangway/gateway/testing";
 * import { assertEquals } from "@std/assert";
 *
 * await using gateway = new LocalGateway();
 * const socket = gateway.createWebSocket(`${gateway.gatewayUrl}/?v=10&encoding=json`);
 * socket.addEventListener("open", () => socket.send('{"op":1,"d":null}'));
 *
 * await gateway.next("heartbeat");
 * assertEquals(gateway.received.map(({ op }) => op), [1]);
 * ```
 *
 * @module
 */
export { advance } from "./advance.ts";
export type { AdvanceOptions } from "./advance.ts";
export { LocalGateway } from "./local_gateway.ts";
export { LocalGatewayFaults } from "./gateway_faults.ts";
export type { ConnectionTarget, RejectHttpOptions } from "./gateway_faults.ts";
export type { DispatchTarget } from "./hub.ts";
export type {
  AppearsOptions,
  ComponentOptions,
  JoinsOptions,
  LocalUser,
  LocalUserOptions,
  MessageTarget,
  SaysOptions,
  UsesOptions,
} from "./local_user.ts";
export type { DispatchPayload, GatewayEvents } from "../payload.ts";
export type { Via } from "./link.ts";
export type { LocalGatewayOptions, LocalHttpRoute, LocalRateLimit, LocalSessionStartLimit } from "./options.ts";
export type { LocalGatewayFormat } from "./payload_writer.ts";
export type { LocalGuild } from "./world.ts";
export type {
  CloseRecord,
  ConnectionRecord,
  HttpRequestRecord,
  IdentifyRecord,
  InteractionResponseRecord,
  LocalGatewayRecords,
  MessageDeletionRecord,
  MessageEditRecord,
  NextOptions,
  PostedMessageRecord,
  ReactionRecord,
  ReceivedRecord,
  ResumeRecord,
} from "./records.ts";
export type { LocalReply, RepliesOptions } from "./replies.ts";
export { sampleChannel, sampleRole, sampleThread, sampleVoiceState } from "./sample_channels.ts";
export type { SampleChannel, SampleRole, SampleThread, SampleVoiceState } from "./sample_channels.ts";
export { sampleId } from "./sample_id.ts";
export { sampleComponentInteraction, sampleInteraction, sampleModalSubmit } from "./sample_interactions.ts";
export type {
  SampleComponentInteraction,
  SampleComponentOptions,
  SampleInteraction,
  SampleInteractionOption,
  SampleInteractionOptions,
  SampleInteractionPlace,
  SampleModalComponents,
  SampleModalSubmit,
} from "./sample_interactions.ts";
export {
  sampleGuild,
  sampleMember,
  sampleMessage,
  samplePresence,
  sampleReaction,
  sampleReady,
  sampleTyping,
  sampleUser,
} from "./samples.ts";
export type {
  SampleGuild,
  SampleMember,
  SampleMessage,
  SamplePresence,
  SampleReaction,
  SampleReady,
  SampleTyping,
  SampleUser,
} from "./samples.ts";
