/**
 * Which events a session receives: bits to be joined with `|`.
 *
 * The privileged ones (GuildMembers, GuildPresences, MessageContent) have to be switched on in the developer portal, or
 * the gateway closes with 4014.
 *
 * @see {@link https://discord.com/developers/docs/topics/gateway#gateway-intents}
 */
export const GatewayIntent = {
  /** Guilds, roles, channels, threads, stages. */
  Guilds: 1 << 0,
  /** Members who join, change or leave. Privileged. */
  GuildMembers: 1 << 1,
  /** Audit log entries and bans. */
  GuildModeration: 1 << 2,
  /** Emojis, stickers and soundboard sounds. */
  GuildExpressions: 1 << 3,
  /** Integrations. */
  GuildIntegrations: 1 << 4,
  /** Webhooks. */
  GuildWebhooks: 1 << 5,
  /** Invites. */
  GuildInvites: 1 << 6,
  /** Voice states and voice channel effects. */
  GuildVoiceStates: 1 << 7,
  /** Presences. Privileged. */
  GuildPresences: 1 << 8,
  /** Messages in guilds. */
  GuildMessages: 1 << 9,
  /** Reactions in guilds. */
  GuildMessageReactions: 1 << 10,
  /** Typing in guilds. */
  GuildMessageTyping: 1 << 11,
  /** Messages in direct messages. */
  DirectMessages: 1 << 12,
  /** Reactions in direct messages. */
  DirectMessageReactions: 1 << 13,
  /** Typing in direct messages. */
  DirectMessageTyping: 1 << 14,
  /** The content of messages; adds fields, not events. Privileged. */
  MessageContent: 1 << 15,
  /** Scheduled events. */
  GuildScheduledEvents: 1 << 16,
  /** Auto moderation rules. */
  AutoModerationConfiguration: 1 << 20,
  /** Auto moderation rules that fired. */
  AutoModerationExecution: 1 << 21,
  /** Poll votes in guilds. */
  GuildMessagePolls: 1 << 24,
  /** Poll votes in direct messages. */
  DirectMessagePolls: 1 << 25,
} as const;

/** One of the bits in {@linkcode GatewayIntent}. */
export type GatewayIntent = typeof GatewayIntent[keyof typeof GatewayIntent];
