/**
 * The script of a Worker in plain JavaScript that makes the reads and writes of frames and icons,
 * and neither renders nor decodes.
 */
export const plainIconWorker = `export default {
  async fetch(request, env) {
    const set = await env.FRAMES.get("current", "json");
    if (request.method === "PUT") {
      await request.arrayBuffer();
      await env.FRAMES.put("sets/" + set.id + "/icon", new Uint8Array(240_000));
      await env.FRAMES.put("current", JSON.stringify(set));
      return Response.json(set);
    }
    const key = "sets/" + set.id + "/" + request.url.split("/").pop();
    let frame = await env.FRAMES.get(key, "arrayBuffer");
    if (frame === null) {
      const icon = await env.FRAMES.get("sets/" + set.id + "/icon", "arrayBuffer");
      frame = icon.slice(0, Number(env.FRAME_BYTES));
      await env.FRAMES.put(key, frame, { expirationTtl: 90 * 86_400 });
    }
    return new Response(frame, { headers: { "content-type": set.media_type } });
  },
};`;
