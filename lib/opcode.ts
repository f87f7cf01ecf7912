/**
 * What a gateway payload is: the `op` field of every message, both ways.
 *
 * Op 5 and every number that is not listed are undefined for bots; the gateway answers them with close code 4001.
 *
 * @see {@link https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway-gateway-opcodes}
 */
export const GatewayOpcode = {
  /** An event; received. */
  Dispatch: 0,
  /** Keeps the connection alive; sent, and received when the gateway wants one at once. */
  Heartbeat: 1,
  /** Starts a new session; sent. */
  Identify: 2,
  /** Changes the bot's presence; sent. */
  PresenceUpdate: 3,
  /** Joins, moves in or leaves a voice channel; sent. */
  VoiceStateUpdate: 4,
  /** Goes on with a session after a lost connection; sent. */
  Resume: 6,
  /** The gateway asks the client to reconnect and resume; received. */
  Reconnect: 7,
  /** Asks for the members of a guild; sent. */
  RequestGuildMembers: 8,
  /** The session is not (or no longer) valid; received. */
  InvalidSession: 9,
  /** The first payload of a connection, with the heartbeat interval; received. */
  Hello: 10,
  /** The answer to a heartbeat; received. */
  HeartbeatAck: 11,
  /** Asks for the soundboard sounds of guilds; sent. */
  RequestSoundboardSounds: 31,
  /** Asks for short-lived facts about a guild's channels; sent. */
  RequestChannelInfo: 43,
} as const;

/** One of the numbers in {@linkcode GatewayOpcode}. */
export type GatewayOpcode = typeof GatewayOpcode[keyof typeof GatewayOpcode];
