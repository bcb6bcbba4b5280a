"""A film before a light box, as a phone at a known place sees it: the answers of every test of it are known.

The scenes are drawn; the films on them may be real ones. A pinhole camera looks at a flat film of known size.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from desktop.records import FileHeader, Modality, Photometric, Picture
from desktop.records.picture import Array


@dataclass(frozen=True)
class Scene:
    """pitch, yaw, roll: degrees the phone is held askew. focal: in long sides of the photograph. tint: of the light."""

    pitch: float = 0.0
    yaw: float = 0.0
    roll: float = 0.0
    focal: float = 0.75
    rows: int = 600
    columns: int = 800
    part: float = 0.7
    box: int = 235
    room: int = 40
    covered: bool = False
    noise: float = 2.0
    seed: int = 1


def photographed(film: Array, scene: Scene, width_by_height: float) -> tuple[Picture, Array]:
    """The photograph, colour, and the film's true corners in it: (4, 2), clockwise from the film's top left."""
    corners = outline(scene, width_by_height)
    box = outline(scene, width_by_height, (1.0 if scene.covered else 1.35))
    picture = np.full((scene.rows, scene.columns), scene.room, np.float32)
    cv2.fillConvexPoly(picture, np.rint(box).astype(np.int32), float(scene.box), cv2.LINE_AA)
    rows, columns = film.shape
    ends = np.array([(-0.5, -0.5), (columns - 0.5, -0.5), (columns - 0.5, rows - 0.5), (-0.5, rows - 0.5)], np.float32)
    matrix = cv2.getPerspectiveTransform(ends, corners.astype(np.float32))
    # The clear film holds back a tenth of the light; what is black on it lets almost none through.
    shown = 6 + film.astype(np.float32) / 255 * (0.9 * scene.box - 6)
    size = (scene.columns, scene.rows)
    seen = cv2.warpPerspective(shown, matrix, size, flags=cv2.INTER_AREA)
    there = cv2.warpPerspective(np.ones(film.shape, np.float32), matrix, size, flags=cv2.INTER_LINEAR)
    picture = picture * (1 - there) + seen * there
    down, across = np.mgrid[0 : scene.rows, 0 : scene.columns].astype(np.float32)
    far = np.hypot(down / scene.rows - 0.5, across / scene.columns - 0.5)
    picture *= 1 - 0.35 * far**2
    picture += np.random.default_rng(scene.seed).normal(0, scene.noise, picture.shape).astype(np.float32)
    tinted = np.stack([picture * 0.93, picture, picture * 1.04], axis=-1)
    pixels = np.clip(np.rint(tinted), 0, 255).astype(np.uint8)
    return Picture(pixels, Photometric.RGB, FileHeader(Modality.PHOTO)), corners


def outline(scene: Scene, width_by_height: float, larger: float = 1.0) -> Array:
    """Corners of a flat rectangle before a pinhole camera, in pixels of the photograph."""
    high = 1.0 if width_by_height <= 1 else 1 / width_by_height
    wide = high * width_by_height
    flat = larger * np.array([(-wide, -high, 0), (wide, -high, 0), (wide, high, 0), (-wide, high, 0)], np.float64) / 2
    pitch, yaw, roll = (math.radians(angle) for angle in (scene.pitch, scene.yaw, scene.roll))
    about_x = np.array([[1, 0, 0], [0, math.cos(pitch), -math.sin(pitch)], [0, math.sin(pitch), math.cos(pitch)]])
    about_y = np.array([[math.cos(yaw), 0, math.sin(yaw)], [0, 1, 0], [-math.sin(yaw), 0, math.cos(yaw)]])
    about_z = np.array([[math.cos(roll), -math.sin(roll), 0], [math.sin(roll), math.cos(roll), 0], [0, 0, 1]])
    held = flat @ (about_z @ about_y @ about_x).T
    long_side, short_side = max(scene.rows, scene.columns), min(scene.rows, scene.columns)
    focal = scene.focal * long_side
    distance = focal / (scene.part * short_side)
    seen = focal * held[:, :2] / (held[:, 2:] + distance)
    middle = np.array([(scene.columns - 1) / 2, (scene.rows - 1) / 2])
    return np.asarray(seen + middle, np.float64)
