# A Discord bot on Deno. Beside bot.ts, it needs the deno.json and deno.lock of your project.
#
#   docker build -f deno.Dockerfile -t discord-bot .
#   docker run -d --restart=on-failure:5 --stop-timeout=15 --env-file=.env -v discord-bot:/state discord-bot

FROM denoland/deno:2.9.6

WORKDIR /app

# The dependencies are a layer of their own: it is built anew only when they change.
COPY deno.json deno.lock ./
RUN deno install --frozen

COPY . .
RUN deno cache --frozen bot.ts \
  && mkdir /state \
  && chown deno:deno /state

USER deno
# Put a volume there: what is in it lets the next container resume.
ENV STATE_DIRECTORY=/state
VOLUME ["/state"]

# The image starts Deno through an init process, which passes SIGTERM on.
CMD ["run", "--cached-only", "--allow-net", "--allow-env", "--allow-read", "--allow-write=/state", "bot.ts"]
