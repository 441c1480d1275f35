"""Drives a server through webuiapi, and prints what the client understood as JSON.

python webui_client.py http://127.0.0.1:7860
"""

import hashlib
import json
import sys
import threading
import time

import webuiapi
from PIL import Image, ImageDraw

base = f"{sys.argv[1]}/sdapi/v1"
api = webuiapi.WebUIApi(baseurl=base, sampler="Euler", steps=3)
seen = {}


def digest(image):
    return hashlib.sha256(image.convert("RGB").tobytes()).hexdigest()


def refused(call):
    try:
        call()
    except RuntimeError as error:
        status, text = error.args
        return [status, json.loads(text)["detail"]]
    return None


# Lists
seen["samplers"] = api.util_get_sampler_names()
seen["schedulers"] = api.util_get_scheduler_names()
seen["models"] = api.util_get_model_names()
seen["upscalers"] = [upscaler["name"] for upscaler in api.get_upscalers()]
seen["modes"] = [mode["name"] for mode in api.get_latent_upscale_modes()]
seen["empty"] = [
    api.get_sd_vae(),
    api.get_loras(),
    api.get_hypernetworks(),
    api.get_face_restorers(),
    api.get_realesrgan_models(),
    api.get_prompt_styles(),
]
seen["scripts"] = api.get_scripts()
seen["embeddings"] = api.get_embeddings()
seen["memory"] = sorted(api.get_memory())
seen["flags"] = api.get_cmd_flags()["api"]
seen["refresh"] = api.refresh_checkpoints()

# Options
options = api.get_options()
seen["current"] = api.util_get_current_model()
seen["set"] = api.set_options(options)
api.util_set_model("embeded")
seen["after"] = api.util_get_current_model()

# Text to image
drawn = api.txt2img(prompt="a red fox", negative_prompt="blurry", seed=7, width=256, height=256, n_iter=2)
seen["drawn"] = [list(image.size) for image in drawn.images]
seen["info"] = {name: drawn.info[name] for name in ("all_seeds", "sampler_name", "steps", "cfg_scale", "infotexts")}
seen["chunks"] = [image.info["parameters"] for image in drawn.images]
seen["echo"] = [drawn.parameters["prompt"], drawn.parameters["steps"], drawn.parameters["seed"]]

# What the file says, read back and drawn again
said = api.png_info(drawn.images[1]).json
fields = said["parameters"]
again = api.txt2img(
    prompt=fields["Prompt"],
    negative_prompt=fields["Negative prompt"],
    seed=int(fields["Seed"]),
    steps=int(fields["Steps"]),
    sampler_name=fields["Sampler"],
    cfg_scale=float(fields["CFG scale"]),
    width=int(fields["Size-1"]),
    height=int(fields["Size-2"]),
)
seen["again"] = digest(again.image) == digest(drawn.images[1])
by_text = api.session.post(f"{base}/txt2img", json={"infotext": said["info"]})
seen["by_text"] = digest(api._to_api_result(by_text).image) == digest(drawn.images[1])
seen["caption"] = api.interrogate(drawn.image).info

# Image to image
mask = Image.new("L", (256, 256), 0)
ImageDraw.Draw(mask).rectangle((64, 64, 191, 191), fill=255)
painted = api.img2img(
    images=[drawn.image],
    mask_image=mask,
    prompt="a blue fox",
    seed=3,
    width=256,
    height=256,
    inpainting_fill=1,
    inpaint_full_res=False,
    mask_blur=0,
)
kept = [
    painted.image.convert("RGB").getpixel((x, y)) == drawn.image.convert("RGB").getpixel((x, y))
    for x in range(0, 256, 5)
    for y in (0, 30, 60, 200, 255)
]
seen["painted"] = [list(painted.image.size), all(kept), digest(painted.image) != digest(drawn.image)]
changed = api.img2img(images=[drawn.image], prompt="a dog", seed=3, width=256, height=256, denoising_strength=0.6)
seen["changed"] = [list(changed.image.size), changed.info["denoising_strength"]]

# Extras
large = api.extra_single_image(drawn.image, upscaler_1=webuiapi.Upscaler.Lanczos, upscaling_resize=1.5)
seen["large"] = [list(large.image.size), large.image.info["parameters"] == drawn.image.info["parameters"]]
network = api.extra_single_image(drawn.image, upscaler_1="Nishiki super-resolution", upscaling_resize=2)
seen["network"] = [list(network.image.size), digest(network.image) != digest(large.image)]
several = api.extra_batch_images(drawn.images, upscaler_1="Nearest", upscaling_resize=2)
seen["several"] = [list(image.size) for image in several.images]
hires = api.txt2img(prompt="a red fox", seed=7, width=256, height=256, enable_hr=True, hr_scale=2)
seen["hires"] = list(hires.image.size)

# Errors
seen["errors"] = [
    refused(lambda: api.txt2img(prompt="a fox", sampler_name="Nobody")),
    refused(lambda: api.txt2img(prompt="a fox", restore_faces=True)),
    refused(lambda: api.txt2img(prompt="a fox", script_name="xyz")),
    refused(lambda: api.interrogate(drawn.image, model="blip")),
    # Without a dictionary of its own, the client would keep the script for every later call.
    refused(lambda: api.txt2img(prompt="a fox", adetailer=[webuiapi.ADetailer()], alwayson_scripts={})),
]

# Progress and interruption
finished = []
thread = threading.Thread(
    target=lambda: finished.append(api.txt2img(prompt="a cat", width=256, height=256, steps=900, n_iter=2))
)
thread.start()
states = []
while thread.is_alive() and not any(state["state"]["sampling_step"] > 2 and state["current_image"] for state in states):
    states.append(api.get_progress())
    time.sleep(0.02)
seen["interrupt"] = api.interrupt()
thread.join()
seen["interrupted"] = len(finished[0].images)
seen["progress"] = [all(0 <= state["progress"] <= 1 for state in states), states[-1]["state"]["job_count"]]
api.util_wait_for_ready(0.1)
seen["skip"] = api.skip()
print(json.dumps(seen))
