"""The pages of the dashboard, one a module; each has `show`. Import what is beside this package, Streamlit and core."""
