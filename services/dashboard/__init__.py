"""The dashboard: pages in Streamlit over the REST API, which alone it talks to. Imports core, requests, Streamlit, plotly and pandas."""
