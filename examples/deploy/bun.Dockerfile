# A Discord bot on Bun. Beside bot.ts, it needs the package.json and bun.lock of your project.
#
#   docker build -f bun.Dockerfile -t discord-bot .
#   docker run -d --init --restart=on-failure:5 --stop-timeout=15 --env-file=.env -v discord-bot:/state discord-bot

FROM oven/bun:1.4.5-slim

WORKDIR /app

# The dependencies are a layer of their own: it is built anew only when they change.
COPY package.json bun.lock ./
RUN bun install --frozen-lockfile --production

COPY . .
RUN mkdir /state \
  && chown bun:bun /state

USER bun
# Put a volume there: what is in it lets the next container resume.
ENV STATE_DIRECTORY=/state
VOLUME ["/state"]

# The list form: a shell in between would not pass SIGTERM on.
CMD ["bun", "run", "bot.ts"]
