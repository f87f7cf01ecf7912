# Nodes and workers of a bot, as one image: what it runs is named when it is started. Beside node.ts and worker.ts, it needs
# the deno.json and deno.lock of your project.
#
#   docker build -f cluster.Dockerfile -t discord-cluster .
#   docker run -d --stop-timeout=30 --env-file=.env -e NATS_URL=nats:4222 discord-cluster node.ts

FROM denoland/deno:2.9.6

WORKDIR /app

# The dependencies are a layer of their own: it is built anew only when they change.
COPY deno.json deno.lock ./
RUN deno install --frozen

COPY . .
RUN deno cache --frozen node.ts worker.ts

# Nothing is kept here: sessions and events are in NATS.
USER deno

# The image starts Deno through an init process, which passes SIGTERM on.
ENTRYPOINT ["/tini", "--", "docker-entrypoint.sh", "run", "--cached-only", "--allow-net", "--allow-env", "--allow-read", "--allow-sys"]
CMD ["worker.ts"]
