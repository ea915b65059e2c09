"""A model as a Gymnasium environment: one, several at once, and with actions and rewards of one's own."""

# --8<-- [start:imports]
import gymnasium

from reactor_sdk.gym import ReactorEnv, ReactorVectorEnv

# --8<-- [end:imports]


def one() -> None:
    # --8<-- [start:one]
    with ReactorEnv("studio", local=True, action_command="set_color", observation_shape=(36, 64)) as env:
        picture, info = env.reset(seed=7)
        for _ in range(3):
            picture, reward, terminated, truncated, info = env.step(env.action_space.sample())
            print(picture.shape, info["frame"], info["elapsed"])
    # --8<-- [end:one]


def judged() -> None:
    # --8<-- [start:judged]
    env = ReactorEnv(
        "studio",
        local=True,
        action_command="set_color",
        action=[{"value": 0}, {"value": 255}],  # Discrete(2): off, on
        reward=lambda before, action, after, info: float(after.mean() - before.mean()),
        terminated=lambda before, action, after, info: bool(after.mean() > 250),
    )
    env.reset()
    print(env.action_space, env.step(0)[2], env.step(1)[2])  # Discrete(2) False True
    env.close()
    # --8<-- [end:judged]


def made() -> None:
    # --8<-- [start:made]
    name = "reactor_sdk.gym:openreactor/Reactor-v0"
    env = gymnasium.make(name, max_episode_steps=100, model_name="studio", local=True, action_command="set_color")
    # --8<-- [end:made]
    print(env.spec)  # its arguments are in it, so that keys and tokens are not among them
    env.close()


def several(urls: list[str]) -> None:
    # --8<-- [start:several]
    envs = ReactorVectorEnv(len(urls), "studio", urls=urls, local=True, action_command="set_color")
    pictures, infos = envs.reset(seed=7)
    pictures, rewards, terminated, truncated, infos = envs.step(envs.action_space.sample())
    print(pictures.shape, rewards.shape)
    envs.close()
    # --8<-- [end:several]


if __name__ == "__main__":
    one()
