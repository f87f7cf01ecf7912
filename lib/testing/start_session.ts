import { GatewayCloseCode } from "../close_code.ts";
import { GatewayIntent } from "../intent.ts";
import type { ClientConnection } from "./client_connection.ts";
import { isFields } from "./event_rules.ts";
import type { Hub } from "./hub.ts";
import { applicationFlags, judgeIdentify, shardIn } from "./identify_rules.ts";
import type { Identify } from "./identify_rules.ts";
import type { IdentifyRecord, ReceivedRecord } from "./records.ts";
import { Session } from "./session.ts";
import type { Guild } from "./world.ts";

/** Takes an IDENTIFY: a new session, or the reason why not. */
export function startSession(hub: Hub, connection: ClientConnection, d: unknown, record: ReceivedRecord): void {
  const { options, world, faults } = hub;
  const shard = shardIn(d);
  const decide = (outcome: IdentifyRecord["outcome"]): void =>
    hub.records.add("identify", {
      ...record,
      shardId: shard[0],
      shard,
      intents: isFields(d) && typeof d.intents === "number" ? d.intents : 0,
      via: connection.record.via,
      outcome,
      twins: [...hub.sessions.values()].filter((other) =>
        other.connection !== null && isTwin(other.shard, shard)
      ).length,
    });
  if (connection.identified) {
    decide(GatewayCloseCode.AlreadyAuthenticated);
    return connection.refuse(GatewayCloseCode.AlreadyAuthenticated, "A second IDENTIFY was sent.");
  }
  // "resume_gateway_url: for resume only."
  if (connection.record.via === "resume") connection.violate("IDENTIFY was sent to the address for resuming");
  connection.shardId = shard[0];
  const verdict = judgeIdentify(d, {
    isToken: (token) => hub.isToken(token),
    allowedIntents: options.allowedIntents,
    shardCountMultipleOf: options.shardCountMultipleOf,
    maxGuildsPerShard: options.maxGuildsPerShard,
    guildIds: world.guilds.keys(),
  });
  if ("code" in verdict) {
    decide(verdict.code);
    // "Never loop on 4004, 4010 to 4014."
    const key = JSON.stringify(isFields(d) ? [d.token, d.intents, d.shard] : d);
    if (hub.refused.has(key)) connection.violate(`IDENTIFY was repeated after ${hub.refused.get(key)}`);
    hub.refused.set(key, verdict.code);
    if (verdict.rule) return connection.refuse(verdict.code, verdict.reason);
    return connection.close(verdict.code, verdict.reason);
  }
  const inTime = hub.takeIdentifyPlace(shard[0]);
  if ((inTime || options.countFailedIdentifies) && !hub.countSessionStart()) {
    decide(GatewayCloseCode.AuthenticationFailed);
    connection.violate("IDENTIFY was sent with no session start left, which resets the token");
    hub.revokeToken();
    return connection.close(GatewayCloseCode.AuthenticationFailed, "Authentication failed.");
  }
  if (!inTime) {
    decide("invalid session");
    connection.violate(
      `shard ${shard[0]} identified within ${options.identifyWindowMs} ms of another with the same key`,
    );
    return connection.invalidate(false, options.invalidSessionDelayMs);
  }
  decide("ready");
  connection.await(verdict.compress);
  connection.holdOr("ready", faults.withholdReady, () => ready(hub, connection, verdict));
}

function isTwin(one: Session["shard"], other: Session["shard"]): boolean {
  return one[0] === other[0] && one[1] === other[1];
}

function ready(hub: Hub, connection: ClientConnection, identify: Identify): void {
  const { world, random, options } = hub;
  const { intents, shard, shardGiven } = identify;
  const session = new Session({ id: random.hex(32), shard, intents, query: connection.record.query });
  hub.sessions.set(session.id, session);
  connection.attach(session);
  connection.goLive();
  const guilds = world.guildsOf(...shard);
  const { readyPaddingBytes = 0 } = options.format;
  const data = {
    v: 10,
    user_settings: {},
    user: world.bot,
    session_type: "normal",
    session_id: session.id,
    resume_gateway_url: hub.resumeUrl,
    relationships: [],
    private_channels: [],
    presences: [],
    // "This shard's guilds, all start unavailable."
    guilds: guilds.map(({ id }) => ({ id, unavailable: true })),
    ...(shardGiven ? { shard } : {}),
    application: { id: world.applicationId, flags: applicationFlags(options.allowedIntents) },
    ...(readyPaddingBytes > 0 ? { _padding: "x".repeat(readyPaddingBytes) } : {}),
  };
  hub.deliver(session, "READY", JSON.stringify(data));
  if ((intents & GatewayIntent.Guilds) === 0) return;
  const ordered = options.guildOrder === "shuffled" ? random.shuffled(guilds) : guilds;
  connection.holdOr("guilds", hub.faults.withholdGuilds, () => {
    for (const guild of ordered) deliverGuild(hub, session, guild, identify);
  });
}

function deliverGuild(hub: Hub, session: Session, guild: Guild, { intents, largeThreshold }: Identify): void {
  if (guild.unavailable) {
    return hub.deliver(session, "GUILD_DELETE", JSON.stringify({ id: guild.id, unavailable: true }));
  }
  const presences = (intents & GatewayIntent.GuildPresences) !== 0;
  hub.deliver(session, "GUILD_CREATE", JSON.stringify(hub.world.guildCreate(guild, presences, largeThreshold)));
}
