// Answers these calls with @grpc/grpc-js and pg, one statement each: node_server.js URL; prints its address.
//
// One process, a pool of eight connections, named statements, which pg prepares once for each connection; messages by
// @grpc/proto-loader from the same protos.

const { createRequire } = require("node:module");
const path = require("node:path");

const root = path.resolve(__dirname, "../..");
const peers = createRequire(path.join(root, ".dev/tools/node/here.js"));
const bench = createRequire(path.join(root, ".dev/tools/bench/here.js"));
const grpc = peers("@grpc/grpc-js");
const loader = peers("@grpc/proto-loader");
const pg = bench("pg");
const texts = require("./statements.json");

const version = (from, name) => from(`${name}/package.json`).version;

const definition = loader.loadSync(["workcenter/v1/profile.proto", "workcenter/v1/preferences.proto"], {
    includeDirs: [path.join(root, "proto")],
    keepCase: true,
    longs: Number,
    enums: String,
    defaults: true,
});
const { v1 } = grpc.loadPackageDefinition(definition).workcenter;

function profile(row) {
    const { street, city, post_code, country, revision, updated_at, ...same } = row;
    const milliseconds = updated_at.getTime();
    const update_time = { seconds: Math.floor(milliseconds / 1000), nanos: (milliseconds % 1000) * 1e6 };
    return { ...same, address: { street, city, post_code, country }, etag: revision, update_time };
}

function serve(url) {
    const pool = new pg.Pool({ connectionString: url, max: 8 });
    const rows = async (name, values) => (await pool.query({ name, text: texts[name], values })).rows;
    const answers = (how) => (call, tell) => how(call).then((answer) => tell(null, answer), (error) => tell(error));
    const missing = () => Object.assign(new Error("no such person"), { code: grpc.status.NOT_FOUND });
    const one = async (name, values) => {
        const [row] = await rows(name, values);
        if (!row) throw missing();
        return { profile: profile(row) };
    };
    const others = (service, ours) => {
        const none = (call, tell) => tell({ code: grpc.status.UNIMPLEMENTED });
        return { ...Object.fromEntries(Object.keys(service).map((name) => [name, none])), ...ours };
    };
    const server = new grpc.Server();
    server.addService(v1.ProfileService.service, others(v1.ProfileService.service, {
        GetProfile: answers(({ request }) => one("get", [request.user_id])),
        UpdateProfile: answers(({ request }) => one("update", [request.profile.user_id, request.profile.job_title])),
        BatchGetProfiles: answers(async ({ request }) => ({ profiles: (await rows("batch", [request.user_ids])).map(profile) })),
    }));
    server.addService(v1.PreferenceService.service, others(v1.PreferenceService.service, {
        ListWorkCenterPreferences: answers(async ({ request, metadata }) => ({
            preferences: (await rows("list", [metadata.get("x-user")[0], request.page_size])).map((row) => ({
                workcenter_id: row.id,
                workcenter_name: row.name,
                delivery: `DELIVERY_${row.delivery}`,
            })),
        })),
    }));
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
        if (error) throw error;
        console.log(`http://127.0.0.1:${port}`);
    });
}

if (process.argv[2] === "--version") {
    const names = [[peers, "@grpc/grpc-js"], [bench, "pg"]].map(([from, name]) => `${name} ${version(from, name)}`);
    console.log(`${names.join(", ")}, Node.js ${process.version}: one process, a pool of 8`);
} else {
    serve(process.argv[2]);
}
