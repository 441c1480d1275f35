# The application as a container:
#
#     docker build -t nishiki .
#     docker run --rm -it -p 7860:7860 -v "$PWD/pictures:/pictures" -v "$PWD/models:/models" nishiki
#
# It prints a link with a token. compose.yaml starts a server with two workers and Postgres.
FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN node -e 'import("./scripts/prepare.mjs").then(({ build }) => build())' \
  && npm prune --omit=dev --ignore-scripts --no-audit --no-fund \
  && find dist -name "*.map" -delete

FROM node:22-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/package.json /app/LICENSE ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/weights weights
COPY --from=build /app/dist dist
# Volumes take over the owner of the folders that they cover.
RUN mkdir /pictures /models /cache && chown node:node /pictures /cache
# Prepared weights (int8) are kept, and downloaded models are found where --pull put them.
ENV NISHIKI_CACHE=/cache/nishiki HF_HUB_CACHE=/cache/hub NISHIKI_MODELS=/models
USER node
VOLUME ["/pictures", "/cache"]
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:7860/').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/dist/cli/main.js"]
CMD ["serve", "--host", "0.0.0.0", "--port", "7860", "--folder", "/pictures", "--no-open"]
