// The queue's tables. pg-boss has its own in the schema "pgboss"; a job here points to its turn there.

/** Published steps never change: see `migrate`. */
export const queueTables: readonly (readonly string[])[] = [
  [
    `CREATE TABLE nishiki.job (
      id text PRIMARY KEY,
      number bigint GENERATED ALWAYS AS IDENTITY,
      home text NOT NULL,
      record jsonb NOT NULL,
      owner text NOT NULL,
      priority int NOT NULL,
      model text NOT NULL,
      group_name text,
      state text NOT NULL,
      position double precision NOT NULL,
      overtaken int NOT NULL DEFAULT 0,
      skips int NOT NULL DEFAULT 0,
      turn uuid,
      run int,
      worker text,
      attempts int NOT NULL DEFAULT 0,
      started timestamptz,
      finished timestamptz,
      warnings jsonb NOT NULL DEFAULT '[]',
      images jsonb NOT NULL DEFAULT '[]',
      result jsonb,
      error jsonb,
      filed boolean NOT NULL DEFAULT true
    )`,
    "CREATE INDEX job_newest ON nishiki.job (number DESC)",
    "CREATE INDEX job_waiting ON nishiki.job (priority DESC, owner, position) WHERE state = 'queued'",
    "CREATE INDEX job_live ON nishiki.job (state) WHERE state IN ('queued', 'running', 'paused')",
    "CREATE INDEX job_unfiled ON nishiki.job (home) WHERE NOT filed",
    "CREATE INDEX job_group ON nishiki.job (group_name) WHERE group_name IS NOT NULL",
    "CREATE TABLE nishiki.owner (name text PRIMARY KEY, served bigint NOT NULL)",
    "CREATE TABLE nishiki.queue (name text PRIMARY KEY, paused boolean NOT NULL)",
    // Numbers of claims: pg-boss takes the turn whose priority is the claim's number.
    "CREATE SEQUENCE nishiki.claim AS int MINVALUE 1000 CYCLE",
    "CREATE SEQUENCE nishiki.served",
    // Reports of workers on other machines, until the server that wants them has stored what they hold.
    `CREATE TABLE nishiki.report (
      number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      home text NOT NULL,
      job text NOT NULL,
      kind text NOT NULL,
      index int,
      message text,
      png bytea
    )`,
    // The rest may be lost with the database's memory: it is only worth something while a job runs.
    `CREATE UNLOGGED TABLE nishiki.progress (
      job text PRIMARY KEY,
      number int NOT NULL,
      progress jsonb NOT NULL,
      preview bytea
    )`,
    `CREATE UNLOGGED TABLE nishiki.input (
      home text NOT NULL,
      image text NOT NULL,
      bytes bytea,
      missing boolean NOT NULL DEFAULT false,
      wanted timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (home, image)
    )`,
  ],
  [
    // What a job cannot do without: its model and its additions. Not every worker has them.
    "ALTER TABLE nishiki.job ADD COLUMN needs text[] NOT NULL DEFAULT '{}', ADD COLUMN kind text NOT NULL DEFAULT 'draw'",
  ],
  // Every new job goes behind the last one.
  ["CREATE INDEX job_position ON nishiki.job (position)"],
];
