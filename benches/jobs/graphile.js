// Does jobs that do nothing with graphile-worker, and prints how many a second:
//
//     graphile.js rate URL COUNT plain|batched
//     graphile.js wake URL COUNT
//
// Both take 24 jobs at a time, as its own measurements do. `batched` is what these are made with: a local queue, and completions
// in batches; here by two processes. `plain` is one process with neither.

const { fork } = require("node:child_process");
const path = require("node:path");
const modules = path.join(__dirname, "../../.dev/tools/bench/node_modules");
const { run, makeWorkerUtils, Logger } = require(`${modules}/graphile-worker`);
const { Client } = require(`${modules}/pg`);

const logger = new Logger(() => () => {});
const [what, url, count, how] = [process.argv[2], process.argv[3], Number(process.argv[4]), process.argv[5]];

const batched = {
    concurrentJobs: 24,
    worker: { localQueue: { size: 500, refetchDelay: { durationMs: 10 } }, completeJobBatchDelay: 0, failJobBatchDelay: 0 },
};
const plain = { concurrentJobs: 24, worker: {} };

function runner(handler, { concurrentJobs, worker }, more = {}) {
    const preset = { worker: { connectionString: url, concurrentJobs, maxPoolSize: 26, logger, ...worker, ...more } };
    return run({ preset, taskList: { nothing: handler } });
}

// A process of its own that works until it is told to stop.
async function child() {
    const workers = await runner(() => {}, how === "batched" ? batched : plain);
    process.send("ready");
    process.on("message", async () => {
        await workers.stop();
        process.exit(0);
    });
}

async function fresh() {
    const utils = await makeWorkerUtils({ connectionString: url, logger });
    await utils.migrate();
    const client = new Client(url);
    await client.connect();
    return { utils, client };
}

async function rate() {
    const { utils, client } = await fresh();
    const add = `select graphile_worker.add_jobs(array(
        select json_populate_record(null::graphile_worker.job_spec, '{"identifier": "nothing"}') from generate_series(1, $1)))`;
    for (let left = count; left > 0; left -= 10000) await client.query(add, [Math.min(left, 10000)]);
    await client.query("vacuum analyze");
    const processes = Array.from({ length: how === "batched" ? 2 : 1 }, () =>
        fork(__filename, ["child", url, String(count), how]));
    // From when the first one is ready, which spares it its start.
    await Promise.race(processes.map((it) => new Promise((ready) => it.once("message", ready))));
    const began = process.hrtime.bigint();
    const { rows } = await client.query("select count(*)::int as left from graphile_worker._private_jobs");
    const there = rows[0].left;
    while ((await client.query("select exists (select from graphile_worker._private_jobs) as any")).rows[0].any) {
        await new Promise((later) => setTimeout(later, 5));
    }
    const took = Number(process.hrtime.bigint() - began) / 1e9;
    console.log(JSON.stringify({ per_s: there / took }));
    processes.forEach((it) => it.send("stop"));
    await Promise.all(processes.map((it) => new Promise((gone) => it.once("exit", gone))));
    await utils.release();
    await client.end();
}

async function wake() {
    const { utils, client } = await fresh();
    let told;
    const workers = await runner(() => told(process.hrtime.bigint()), plain);
    const waits = [];
    for (let number = 0; number < count; number++) {
        const begun = new Promise((at) => (told = at));
        const began = process.hrtime.bigint();
        await utils.addJob("nothing", {});
        waits.push(Number((await begun) - began) / 1e6);
        while ((await client.query("select exists (select from graphile_worker._private_jobs) as any")).rows[0].any);
    }
    waits.sort((one, other) => one - other);
    const at = (share) => waits[Math.floor(((waits.length - 1) * share) / 100)];
    console.log(JSON.stringify({ p50_ms: at(50), p99_ms: at(99) }));
    await workers.stop();
    await utils.release();
    await client.end();
}

function version() {
    const installed = require(`${modules}/graphile-worker/package.json`).version;
    console.log(`graphile-worker ${installed}, Node.js ${process.version}: rows are deleted`);
}

({ child, rate, wake, "--version": version })[what]();
