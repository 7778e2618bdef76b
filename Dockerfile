# The whole workspace in one image; docker-compose.yml says which process a container runs.
FROM node:24-slim
WORKDIR /keyfold
COPY package.json package-lock.json ./
COPY libs libs
COPY apps apps
COPY schemas schemas
COPY tsconfig*.json ./
RUN npm ci && npx tsc -b && mkdir /data && chown node:node /data
USER node
CMD ["node", "apps/bank/dist/main.js", "--data", "/data"]
